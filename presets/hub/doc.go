// Package hub finds the model that a user named: a preset, a config.json on
// this machine, or a repository on the Hugging Face Hub.
//
// [Resolve] is the entry point. It tries presets first and goes to the network
// only for a name of the form "owner/name" that is none. From there it reads
// config.json and, for the true number of parameters, the safetensors index or
// the header of the safetensors file; never weights. What it fetched is kept
// in a cache on disk. [Options] says where and how; the package itself reads
// no environment, see [FromEnv].
package hub
