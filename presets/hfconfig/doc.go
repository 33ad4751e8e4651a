// Package hfconfig reads a Hugging Face config.json into the engine's
// [model.Model].
//
// [Read] is the entry point. It knows the dense decoder families that the
// engine builds; a key that the file leaves out takes the default of
// transformers' configuration class for that family (transformers 5.24), a
// size that every released file of the family states must be there. Whatever
// else a file describes (experts, encoders, state spaces, vision, quantized
// weights, an unknown model_type) is an error that names the field: nothing is
// ever read as if it were a Llama.
//
// The package opens no file and no connection and compiles for WASM.
package hfconfig
