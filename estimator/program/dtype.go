package program

// DType is the element type of a tensor.
type DType uint8

// Element types that a training step meets.
const (
	Invalid DType = iota
	Float32
	Float16
	BFloat16
	Int64
	UInt8
	Bool
	Int8
)

var dtypeNames = [...]string{"invalid", "float32", "float16", "bfloat16", "int64", "uint8", "bool", "int8"}

var dtypeSizes = [...]int64{0, 4, 2, 2, 8, 1, 1, 1}

// String is PyTorch's name of the type.
func (d DType) String() string { return dtypeNames[d] }

// Size is the size of one element in bytes.
func (d DType) Size() int64 { return dtypeSizes[d] }

// ParseDType reads a PyTorch name; ok is false for any other word.
func ParseDType(s string) (d DType, ok bool) {
	for i, name := range dtypeNames {
		if i > 0 && name == s {
			return DType(i), true
		}
	}
	return Invalid, false
}

// promote is PyTorch's result type of two floating tensors with dimensions:
// float16 with bfloat16 gives float32, otherwise the wider one.
// https://pytorch.org/docs/stable/tensor_attributes.html#type-promotion-doc
func promote(a, b DType) DType {
	if a == b {
		return a
	}
	return Float32
}

// Category says what a tensor is for in the breakdown of memory.
type Category uint8

// Categories of the breakdown, in the order in which people read them.
const (
	Weights Category = iota
	QuantizationConstants
	Adapters
	Gradients
	OptimizerStates
	Activations
	LogitsAndLoss
	Workspace
	Inputs
	NumCategories
)

var categoryNames = [NumCategories]string{
	"weights", "quantization_constants", "adapters", "gradients", "optimizer_states",
	"activations", "logits_and_loss", "workspace", "inputs",
}

// String is the name that reports use.
func (c Category) String() string { return categoryNames[c] }

// blockSize is the granularity of PyTorch's CUDA caching allocator: every
// request is rounded up to it, and max_memory_allocated counts the rounded
// size (kMinBlockSize, c10/cuda/CUDACachingAllocator.cpp).
const blockSize = 512

// Round is the size that the CUDA caching allocator accounts for a request.
func Round(bytes int64) int64 { return (bytes + blockSize - 1) &^ (blockSize - 1) }
