package hardware

import "strings"

// The constants of this file are fitted to kernels that others measured one by
// one, never to training runs, unless the comment says so.
//
// Matrix products: the tables of NVIDIA's aiconfigurator (package
// aiconfigurator-core 0.12.0, systems/data/<gpu>/gemm, bfloat16, the median of
// the vLLM 0.24/0.14 and SGLang 0.5 collections, torch.nn.functional.linear):
// 6,000 shapes a card.
const (
	// fp32Fraction is what a large float32 product reaches of the CUDA cores'
	// rate. V100 14.1 of 15.7, A100 18.4 of 19.5: 0.90 to 0.94.
	fp32Fraction = 0.90
	// emulatedBF16 is bfloat16 on a card without it, against float32: V100 9.6
	// of 15.7 TFLOPS (lablup/mlxcel#1654).
	emulatedBF16 = 0.65
	// int8Fraction is what int8 reaches of its data-sheet rate against bfloat16.
	int8Fraction = 0.90
	// splitK is the shortest piece that cuBLAS cuts the inner dimension into.
	splitK = 512
	// cacheSpeedup is L2 against device memory: A100 2.5, H100 PCIe 3.5,
	// L40 4 (te42kyfo/gpu-benches@70c3826d gpu-l2-cache).
	cacheSpeedup = 2.5
	// headDimHalf says how attention slows with short heads: 64 against 128.
	headDimHalf = 16
	// attentionBlock is the number of queries that one block of FlashAttention
	// handles.
	attentionBlock = 128
	// fp32Attention is the share of the float32 rate that fused attention in
	// float32 reaches.
	fp32Attention = 0.6

	// launchForward and launchBackward are the CPU's time per kernel of eager
	// PyTorch: Python and the dispatcher going forward (about 7 µs for a scalar
	// product that autograd records, pytorch/pytorch#41383; 4 µs an operator
	// without Python, pytorch/pytorch#82793), C++ alone going backward.
	launchForward  = 7e-6
	launchBackward = 4.5e-6
)

// tile is one tile size of a matrix product.
type tile struct {
	perHeight, perWidth float64 // 1/height, 1/width
	flopsPerK           float64 // 2·height·width over the tile's efficiency
}

// generation is what cards of one architecture share.
type generation struct {
	name       string
	matmul     float64 // sustained share of the data-sheet rate
	tiles      [7]tile
	fill       float64 // filling and draining a tile's pipeline, in steps of the inner dimension
	latency    float64 // seconds that the shortest kernel takes
	stream     float64 // share of the bandwidth that a product reaches when memory limits it
	bandwidth  float64 // share of the bandwidth that an elementwise kernel reaches
	dequant    float64
	attention  [numKernels][2]float64 // share of the 16-bit rate: forward, backward
	contextMiB int64
	contextOf  string

	cublasWorkspace int64
}

// curve fills in the tiles: 256×128 is the reference, the others have their
// own efficiency against it.
func (g generation) curve(e128, e64, e4 float64) *generation {
	for i, t := range [...]struct{ h, w, e float64 }{
		{256, 128, 1}, {128, 256, 1}, {128, 128, e128}, {128, 64, e64}, {64, 128, e64}, {64, 64, e4}, {64, 64, e4},
	} {
		g.tiles[i] = tile{1 / t.h, 1 / t.w, 2 * t.h * t.w / t.e}
	}
	return &g
}

const (
	// workspaceHopper and workspaceOther are PyTorch's default cuBLAS
	// workspaces (aten/src/ATen/cuda/CublasHandlePool.cpp@26a39059):
	// :4096:2:16:8 KiB is 8.125 MiB; compute capability 9.0 has 32 MiB.
	workspaceHopper = 32 << 20
	workspaceOther  = 4096*1024*2 + 16*1024*8
)

var (
	ampereServer = generation{
		name: "A100", matmul: 0.857, fill: 167, latency: 4.4e-6, stream: 0.61,
		bandwidth: 0.83, dequant: 0.5,
		attention:  [numKernels][2]float64{{0.55, 0.42}, {0.33, 0.22}},
		contextMiB: 481, contextOf: "A100 80 GB, PyTorch 2.1 with lazy loading: 481 MiB (stas00/ml-engineering)",
		cublasWorkspace: workspaceOther,
	}.curve(0.956, 0.672, 0.827)
	hopper = generation{
		name: "H100", matmul: 0.85, fill: 170, latency: 2.7e-6, stream: 0.75,
		bandwidth: 0.88, dequant: 0.5,
		attention:  [numKernels][2]float64{{0.36, 0.30}, {0.18, 0.12}},
		contextMiB: 526, contextOf: "H100, PyTorch 2.6: 526 MiB (KellerJordan/modded-nanogpt@f411b3d3 logs)",
		cublasWorkspace: workspaceHopper,
	}.curve(0.60, 0.98, 0.5)
	blackwellServer = generation{
		name: "B200", matmul: 0.75, fill: 80, latency: 2.5e-6, stream: 0.68,
		bandwidth: 0.88, dequant: 0.5,
		attention:  [numKernels][2]float64{{0.25, 0.20}, {0.12, 0.08}},
		contextMiB: 712, contextOf: "B200, PyTorch 2.9: 712 MiB (stas00/ml-engineering debug/pytorch.md)",
		cublasWorkspace: workspaceOther,
	}.curve(0.95, 0.98, 0.49)
	ada = generation{
		name: "L40S", matmul: 0.64, fill: 122, latency: 2e-6, stream: 0.77,
		bandwidth: 0.92, dequant: 0.6,
		attention:  [numKernels][2]float64{{0.50, 0.33}, {0.30, 0.2}},
		contextMiB: 426, contextOf: "RTX 6000 Ada, PyTorch 2.10: 426 MiB (unslothai/unsloth-zoo#1053)",
		cublasWorkspace: workspaceOther,
	}.curve(0.97, 0.786, 0.9)
)

// generationOf is the curve that stands for a card, nil where there is none.
func generationOf(g GPU) *generation {
	if g.Vendor != "NVIDIA" {
		return nil
	}
	switch cc := g.ComputeCapability; {
	case strings.HasPrefix(cc, "8.9"), strings.HasPrefix(cc, "12."):
		return ada
	case cc == "9.0":
		return hopper
	case strings.HasPrefix(cc, "10."):
		return blackwellServer
	default:
		return ampereServer
	}
}

// contextOf is the memory of the CUDA context, in bytes, and where it was seen.
func contextOf(_ GPU, gen *generation) (int64, string) {
	return gen.contextMiB << 20, gen.contextOf
}
