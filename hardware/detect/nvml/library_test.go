//go:build linux && cgo

package nvml

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
)

// oldDriver is a real shared library that stands in for an old driver's.
func oldDriver(t testing.TB) nvml.Interface {
	t.Helper()
	cc := os.Getenv("CC")
	if cc == "" {
		cc = "cc" // there is one: this file is built with cgo
	}
	library := filepath.Join(t.TempDir(), "libnvidia-ml.so.1")
	if out, err := exec.Command(cc, "-shared", "-fPIC", "-o", library, "testdata/old_driver.c").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return nvml.New(nvml.WithLibraryPath(library))
}

// TestOldDriver loads a library without the newer functions: calling one of
// them would end this very process. It is loaded anew for each reading, as a
// process is watched.
func TestOldDriver(t *testing.T) {
	lib := oldDriver(t)
	for range 3 {
		m, err := From(lib)
		if err != nil || len(m.Devices) != 1 || m.Driver != "410.104" || m.CUDA != "" {
			t.Fatalf("%+v, %v", m, err)
		}
		d := m.Devices[0]
		if d.Name != "Tesla V100-SXM2-16GB" || d.TotalBytes != 16945512448 || d.FreeBytes != 16000000001 || !d.FreeKnown || d.ReservedBytes != 0 ||
			d.Bus != "00000000:06:00.0" || d.ComputeCapability != "7.0" || d.SMs != 0 || d.ECC == nil || !*d.ECC || d.Display != nil || d.MIG {
			t.Errorf("%+v", d)
		}
	}
}

// BenchmarkLibrary is a whole reading, with the library loaded from disk: all
// but the driver's own time.
func BenchmarkLibrary(b *testing.B) {
	lib := oldDriver(b)
	for b.Loop() {
		if _, err := From(lib); err != nil {
			b.Fatal(err)
		}
	}
}
