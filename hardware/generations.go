package hardware

// The constants of this file come from kernels that others measured one by
// one, never from the totals of training runs, unless the comment says so.
// TestMatmulTables and its neighbours hold them against the measurements.

// Constants of all generations.
const (
	// splitK is the shortest piece that cuBLAS cuts the inner dimension into.
	// Fitted with the tiles.
	splitK = 1024

	// simtTile is the granularity of a float32 product on the CUDA cores
	// (cuBLAS's sgemm_32x32 and its multiples).
	simtTile = 32

	// fp32Server and fp32GeForce are what a large float32 product reaches of the
	// CUDA cores' rate. RTX 5060 Ti: 17.6 of 23.7 TFLOPS at 4,096
	// (chsasank/device-benchmarks#17). Server cards, where no other instruction
	// shares the lanes, were not found: assumed.
	fp32Server  = 0.90
	fp32GeForce = 0.74

	// emulatedBF16 is bfloat16 on a card without it, against float32: V100 9.6
	// of 15.7 TFLOPS (lablup/mlxcel#1654).
	emulatedBF16 = 0.65
	// int8Share is int8 against bfloat16, as shares of their data-sheet rates:
	// A100 543 of 624 against 263 of 312 TOPS (ai-dynamo/aiconfigurator@095f58a5
	// a100_sxm/gemm, SmoothQuant and weight-only, median of shapes from 4096 up).
	int8Share = 1.0

	// elementwise is what PyTorch's elementwise kernels reach of the card's
	// STREAM bandwidth: bfloat16 to float32 on A100 1.11 of 1.375 TB/s
	// (pytorch/pytorch#195542, 67M elements before that change), maximum in
	// float16 on H200 3.37 of 4.15 TB/s (tile-ai/TileOPs#512).
	elementwise = 0.81
	// elementwiseLatency is the GPU's time of an elementwise kernel on few
	// elements: 6.5 to 8.6 µs with its launch (pytorch/pytorch#195542), of which
	// the launch is about 5.
	elementwiseLatency = 3e-6

	// headDimHalf says how attention slows with short heads: 64 runs at 0.79 of
	// the rate of 128 on L40S and 0.82 on RTX PRO 6000 (aiconfigurator, 2,048 tokens).
	headDimHalf = 32
	// geforceHeadDimHalf is the same where tensor cores run at half rate: 0.94 to
	// 0.97 on RTX 4090 (apache/tvm tl_doc/flash_perf.md).
	geforceHeadDimHalf = 8
	// attentionBlock is the number of queries of one block of FlashAttention 2
	// (flash_fwd_launch_template.h, head dimension 128).
	attentionBlock = 128
	// efficientHalf is the sequence at which the memory-efficient kernel has
	// half its rate (NVIDIA/TileGym#49, 256 to 8,192 tokens).
	efficientHalf = 200

	// launchForward and launchBackward are the CPU's time per kernel of eager
	// PyTorch: Python, modules and hooks going forward, C++ alone going backward,
	// taken as half of it. Fitted, one constant, to the only launch-bound runs
	// that were found: Qwen-7B with LoRA at batch 1 and 256 tokens on A100, 1.2 to
	// 1.6 s for 69,000 kernels (validation/published, qwen). The host's CPU is not
	// known; a bare operation with autograd takes 7 µs (pytorch/pytorch#41383).
	launchForward  = 20e-6
	launchBackward = launchForward / 2
)

// efficientShare is the memory-efficient kernel against FlashAttention 2,
// forward and backward: forward 0.43 (NVIDIA/TileGym#49: 36.4 against 84.4
// TFLOPS at 8,192 tokens, head dimension 128) and 0.5 (facebookresearch/xformers#1074,
// A40); backward 0.45 of FlashAttention 1 (facebookresearch/xformers#362), which
// is about 0.6 of FlashAttention 2.
var efficientShare = [2]float64{0.45, 0.3}

// tile is one tile size of a matrix product.
type tile struct {
	perLong, perShort float64 // 1/long, 1/short
	flops             float64 // per step of the inner dimension, over the tile's efficiency
}

// tiles are the tile sizes of a product with their efficiency against the
// largest, one fit for all generations: 56,000 shapes of seven cards, bfloat16
// (NVIDIA aiconfigurator-core 0.12.0 systems/data/<card>/gemm, the median of
// the vLLM and SGLang collections, torch.nn.functional.linear).
var tiles = [5]tile{
	newTile(256, 128, 1), newTile(128, 128, 0.97), newTile(128, 64, 0.92), newTile(64, 64, 0.85), newTile(128, 32, 0.6),
}

func newTile(long, short, efficiency float64) tile {
	return tile{1 / long, 1 / short, 2 * long * short / efficiency}
}

// generation is what cards of one architecture share.
type generation struct {
	// matmul is what a large product reaches of the 16-bit data-sheet rate in
	// short runs, best what the best shape reached on the card that the curve
	// was fitted on (MAMF, stas00/ml-engineering@744d01e1 and
	// mag-/gpu_benchmark@93322b7f). A card with its own best rate is scaled by it.
	matmul, best float64
	// sustained is what is left of that when the power limit has set in.
	sustained float64
	fp32      float64 // share of the float32 rate that a large float32 product reaches
	fill      float64 // steps of the inner dimension to fill and drain a tile's pipeline
	latency   float64 // seconds that the shortest product takes
	stream    float64 // share of the bandwidth that a product reaches when memory limits it
	copied    float64 // share of the bandwidth that STREAM reaches
	dequant   float64 // share of the bandwidth that bitsandbytes' dequantization reaches
	flash     [2]saturation

	contextMiB    int64
	contextSource string
	workspace     int64
}

const (
	// workspaceHopper and workspaceOther are PyTorch's default cuBLAS
	// workspaces, a handle and stream (aten/src/ATen/cuda/CublasHandlePool.cpp@26a39059):
	// 32 MiB for compute capability 9.0, else :4096:2:16:8. The allocated bytes
	// of 37 A100 runs agree with two of the latter (validation/published).
	workspaceHopper = 32 << 20
	workspaceOther  = 4096*1024*2 + 16*1024*8
	// workspaceAMD is the same on ROCm.
	workspaceAMD = 32 << 20

	// geforceShare is what a large product reaches on GeForce cards since
	// Turing, whose tensor cores run at half rate with float32 accumulation, so
	// that neither power nor memory limits them: RTX 3090 1.10, RTX 3090 Ti 1.08,
	// RTX 4090 1.08 of the listed rate (MAMF), L20 0.92 (DefTruth/CUDA-Learn-Notes).
	// Training in CUDA C++ alone reached 0.81 on RTX 4090, 5060 Ti and 5090.
	geforceShare = 0.97
	// halfRate is the largest ratio of 16-bit to float32 rates of cards whose
	// tensor cores run at half rate; the others have 4 or more.
	halfRate = 2.5
)

// share is what a large product sustains of the 16-bit data-sheet rate.
func (gen *generation) share(g GPU, tensor float64) float64 {
	if tensor <= 0 {
		return 0
	}
	s := gen.matmul * gen.sustained
	switch measured := max(g.Measured.FP16, g.Measured.BF16); {
	case measured > 0:
		s *= measured / tensor / gen.best
	case halfTensor(g, tensor):
		s = geforceShare
	}
	return min(s, 1)
}

// halfTensor says whether a card's tensor cores run at half rate.
func halfTensor(g GPU, tensor float64) bool {
	switch g.ComputeCapability {
	case "7.5", "8.6", "8.9", "12.0":
		return tensor > 0 && tensor < g.Rates.FP32*halfRate
	}
	return false
}

// geforceFlash is FlashAttention 2 on such a card: RTX 4090 at 2,048 tokens, head
// dimension 128, 151 and 99 TFLOPS with a causal mask, 169 and 125 without
// (apache/tvm tl_doc/flash_perf.md).
var geforceFlash = [2]saturation{{0.98, 190}, {0.75, 530}}

// Curves. matmul, fill, latency and stream of A100, H100, B200, B300, L40S and
// RTX PRO 6000 are fitted to the same tables as the tiles (four constants a
// generation); copied is STREAM (facts in presets/gpus.yaml; Azure/AI-benchmarking-guide@8fd0c6e1,
// te42kyfo/gpu-benches@1c36d509). FlashAttention 2 forward: aiconfigurator
// systems/data/<card>/attention (A100 SGLang 0.5.10, L40S and RTX PRO 6000 vLLM 0.24).
// Backward: A100 up to 0.63 of the data sheet (Dao 2023, FlashAttention-2), RTX 4090
// 0.66 to 0.74 and RTX A5000 0.63 to 0.77 of forward (apache/tvm tl_doc/flash_perf.md and
// a log of flash-attn's own benchmark); the others take 0.75 to 0.85 of forward.
var (
	volta = generation{
		matmul: 0.76, best: 0.76, sustained: 0.95, fp32: fp32Server, fill: 174, latency: 3.9e-6, stream: 0.65,
		// No dequantization of V100 was found: A100's.
		copied: 0.904, dequant: 0.5,
		// FlashAttention 2 needs compute capability 8.0; the share is what the
		// memory-efficient kernel is measured against.
		flash:      [2]saturation{{0.6, 450}, {0.5, 800}},
		contextMiB: 350, contextSource: "V100, PyTorch 1.1: 300 to 400 MiB (pytorch/pytorch#20532); newer versions were not found",
		workspace: workspaceOther,
	}
	turing = generation{
		// T4: a product in half precision reaches 0.64 of the data sheet and
		// slows under the 70 W limit (Jia et al. 2019, arXiv:1903.07486; the figures
		// were not checked again). Bandwidth and dequantization: A100's.
		matmul: 0.64, best: 0.64, sustained: 0.8, fp32: fp32GeForce, fill: 174, latency: 3.9e-6, stream: 0.65,
		copied: 0.834, dequant: 0.5, flash: [2]saturation{{0.6, 450}, {0.5, 800}},
		contextMiB: 300, contextSource: "PyTorch with CUDA 11.7 or later: 300 MiB (pytorch/pytorch#107667)",
		workspace: workspaceOther,
	}
	ampereServer = generation{
		matmul: 0.854, best: 0.869,
		// Random data after 10,000 runs: 256.5 against 271.2 TFLOPS of the best
		// short run (Azure/AI-benchmarking-guide@8fd0c6e1 against MAMF).
		sustained: 0.946,
		fp32:      fp32Server, fill: 174, latency: 3.9e-6, stream: 0.65, copied: 0.834,
		// bitsandbytes 0.43 needs 0.1 s more a step than no quantization for 2.1e10
		// elements, whatever the batch (fms-acceleration, Mistral-7B on A100: 0.3 of
		// the bandwidth); since 0.48 the kernel is 1.4 to 2.1 times as fast
		// (bitsandbytes-foundation/bitsandbytes#1747).
		dequant:    0.5,
		flash:      [2]saturation{{0.685, 500}, {0.60, 800}},
		contextMiB: 481, contextSource: "A100 80 GB, PyTorch 2.1 with lazy loading: 481 MiB (stas00/ml-engineering training/performance)",
		workspace: workspaceOther,
	}
	ampere = generation{ // GA10x and Orin
		matmul: 0.80, best: 0.848, sustained: 1, fp32: fp32GeForce, fill: 174, latency: 3.9e-6, stream: 0.8,
		copied: 0.953, dequant: 0.7,
		// RTX A5000: 84 TFLOPS forward, 53 to 62 backward of 111 (full attention).
		flash:      [2]saturation{{0.74, 400}, {0.56, 530}},
		contextMiB: 256, contextSource: "RTX 3090, PyTorch 2.7: 256 MiB (invoke-ai/InvokeAI#9413)",
		workspace: workspaceOther,
	}
	ada = generation{
		matmul: 0.647, best: 0.696, sustained: 1, fp32: fp32GeForce, fill: 121, latency: 2e-6, stream: 0.83,
		copied: 0.938, dequant: 0.7,
		flash:      [2]saturation{{0.51, 400}, {0.39, 530}},
		contextMiB: 426, contextSource: "RTX 6000 Ada, PyTorch 2.10: 426 MiB (unslothai/unsloth-zoo#1053)",
		workspace: workspaceOther,
	}
	hopper = generation{
		matmul: 0.855, best: 0.803,
		// 720 TFLOPS in long runs (SemiAnalysis) against 787, the median of shapes
		// from 4096 up in short ones (aiconfigurator).
		sustained: 0.915,
		fp32:      fp32Server, fill: 165, latency: 2.65e-6, stream: 0.75, copied: 0.887, dequant: 0.5,
		// 327.9 TFLOPS forward at 8,192 tokens (Azure/AI-benchmarking-guide), 287 to
		// 298 through scaled_dot_product_attention (pytorch/benchmark#2296).
		flash:      [2]saturation{{0.37, 350}, {0.31, 620}},
		contextMiB: 526, contextSource: "H100, PyTorch 2.6: 526 MiB; 520 to 614 MiB in versions 2.8 to 2.10 (KellerJordan/modded-nanogpt@f411b3d3 logs)",
		workspace: workspaceHopper,
	}
	blackwellServer = generation{
		matmul: 0.75, best: 0.776,
		// Not measured: as Hopper.
		sustained: 0.915,
		fp32:      fp32Server, fill: 87, latency: 2.5e-6, stream: 0.70, copied: 0.887,
		// 11008×4096 in about 50 µs (bitsandbytes-foundation/bitsandbytes#2051, B300).
		dequant: 0.3,
		// FlashAttention 2 on Blackwell was not found: Hopper's rate.
		flash:      [2]saturation{{0.165, 350}, {0.138, 620}},
		contextMiB: 712, contextSource: "B200, PyTorch 2.9: 712 MiB with the matmul workspace (stas00/ml-engineering debug/pytorch.md)",
		workspace: workspaceOther,
	}
	blackwellUltra = func() generation {
		g := blackwellServer
		g.matmul, g.best, g.fill, g.latency, g.stream = 0.857, 0.786, 80, 2.1e-6, 0.72
		return g
	}()
	blackwell = generation{ // GeForce 50 and RTX PRO
		matmul: 0.924, best: 0.94, sustained: 1, fp32: fp32GeForce, fill: 164, latency: 1.5e-6, stream: 0.94,
		copied: 0.831, dequant: 0.7,
		flash:      [2]saturation{{0.67, 690}, {0.51, 900}},
		contextMiB: 334, contextSource: "RTX 5060 Ti, PyTorch 2: nvidia-smi less what was allocated, 334 MiB",
		workspace: workspaceOther,
	}

	// AMD: only the best product and STREAM were measured; the rest of the curve
	// is NVIDIA's. contextSource says that the context is not known.
	cdna2 = amd(0.74, 0.789, 0.854)
	cdna3 = amd(0.55, 0.603, 0.774)
	cdna4 = amd(0.46, 0.622, 0.774) // 0.42 to 0.48 of the data sheet at 4,096 to 16,384 (MI350X, torch.matmul)
	rdna3 = amd(0.86, 0.923, 0.90)
)

func amd(matmul, best, copied float64) generation {
	return generation{
		matmul: matmul, best: best, sustained: 1, fp32: fp32GeForce, fill: 174, latency: 6e-6, stream: 0.65, copied: copied, dequant: 0.4,
		flash:         [2]saturation{{0.3, 450}, {0.2, 800}},
		contextSource: "not counted: nobody published what a process takes on AMD cards", workspace: workspaceAMD,
	}
}

// generationOf is the curve that stands for a card, nil where there is none.
func generationOf(g GPU) *generation {
	switch g.ComputeCapability {
	case "7.0":
		return &volta
	case "7.5":
		return &turing
	case "8.0":
		return &ampereServer
	case "8.6", "8.7":
		return &ampere
	case "8.9":
		return &ada
	case "9.0":
		return &hopper
	case "10.0":
		return &blackwellServer
	case "10.3":
		return &blackwellUltra
	case "12.0", "12.1":
		return &blackwell
	}
	switch g.Architecture {
	case "CDNA2":
		return &cdna2
	case "CDNA3":
		return &cdna3
	case "CDNA4":
		return &cdna4
	case "RDNA3":
		return &rdna3
	}
	return nil
}
