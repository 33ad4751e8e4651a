// Package presets holds facts about language models and accelerators, with a
// source for each entry. They stand in two YAML files, whose heads explain the
// keys; the Go tables that the program looks up are made from them.
//
// [Model] and [GPU] look one entry up by any of its names, [Models] and [GPUs]
// return all, for lists. The package opens no file and no connection; package
// hub reads config.json files and the Hugging Face Hub, and resolves whatever
// a user typed.
package presets
