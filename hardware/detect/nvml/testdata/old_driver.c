/* A libnvidia-ml of an old driver, with one V100: it has what such a driver had,
 * and none of the functions that came later (nvmlDeviceGetMemoryInfo_v2,
 * nvmlDeviceGetNumGpuCores, nvmlDeviceGetMigMode, NVLink's remote type, ...). */
#include <stdio.h>

enum { SUCCESS = 0, NOT_SUPPORTED = 3 };
struct memory { unsigned long long total, free, used; };
struct pci { char legacy[16]; unsigned domain, bus, device, id, subsystem; char bus_id[32]; };

int nvmlInit_v2(void) { return SUCCESS; }
int nvmlShutdown(void) { return SUCCESS; }
const char *nvmlErrorString(int code) { (void)code; return "an error"; }
int nvmlSystemGetDriverVersion(char *out, unsigned n) { snprintf(out, n, "410.104"); return SUCCESS; }
int nvmlDeviceGetCount_v2(unsigned *n) { *n = 1; return SUCCESS; }
int nvmlDeviceGetHandleByIndex_v2(unsigned i, void **device) { *device = &nvmlInit_v2 + i; return SUCCESS; }
int nvmlDeviceGetName(void *d, char *out, unsigned n) { (void)d; snprintf(out, n, "Tesla V100-SXM2-16GB"); return SUCCESS; }
int nvmlDeviceGetUUID(void *d, char *out, unsigned n) { (void)d; snprintf(out, n, "GPU-1"); return SUCCESS; }
int nvmlDeviceGetPciInfo_v3(void *d, struct pci *out) { (void)d; out->bus = 6; return SUCCESS; }
int nvmlDeviceGetMemoryInfo(void *d, struct memory *out) {
  (void)d;
  *out = (struct memory){16945512448ull, 16000000001ull, 945512447ull};
  return SUCCESS;
}
int nvmlDeviceGetCudaComputeCapability(void *d, int *major, int *minor) { (void)d; *major = 7; *minor = 0; return SUCCESS; }
int nvmlDeviceGetEccMode(void *d, int *now, int *later) { (void)d; *now = *later = 1; return SUCCESS; }
int nvmlDeviceGetDisplayActive(void *d, int *on) { (void)d; (void)on; return NOT_SUPPORTED; }
