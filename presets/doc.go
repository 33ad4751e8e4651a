// Package presets holds facts about language models and accelerators: two
// YAML files, embedded, with a source for each entry.
//
// [Model] and [GPU] look one entry up by any of its names and decode only that
// entry, so that a process which needs one model does not pay for all of them.
// [Models] and [GPUs] decode everything, for lists. The package opens no file
// and no connection; package hub reads config.json files and the Hugging Face
// Hub, and resolves whatever a user typed.
//
// The keys of the files are explained at their head.
package presets
