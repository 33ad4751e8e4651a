package question

// CommonCards are one well-known GPU per common memory size, smallest first:
// what is shown when no GPU is named. The sizes are names; the capacity is the
// preset's.
var CommonCards = []string{
	"rtx-4060",                  // 8 GB
	"rtx-3080-10gb",             // 10 GB
	"rtx-3060-12gb",             // 12 GB
	"rtx-4060-ti-16gb",          // 16 GB
	"rtx-4090",                  // 24 GB
	"rtx-5090",                  // 32 GB
	"a100-40gb-sxm",             // 40 GB
	"l40s-48gb",                 // 48 GB
	"h100-80gb-sxm",             // 80 GB
	"rtx-pro-6000-blackwell-ws", // 96 GB
	"h200-141gb-sxm",            // 141 GB
	"b200-180gb-sxm",            // 180 GB
}
