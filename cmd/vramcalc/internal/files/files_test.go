package files

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// TestReadersSeeOldOrNew: whoever reads while the file is replaced, and whoever
// is killed while replacing, leaves one content or the other.
func TestReadersSeeOldOrNew(t *testing.T) {
	name := filepath.Join(t.TempDir(), "f")
	contents := [][]byte{bytes.Repeat([]byte("a"), 1<<20), bytes.Repeat([]byte("b"), 1<<20)}
	if err := Write(name, contents[0]); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := range 30 {
			if err := Write(name, contents[i%2]); err != nil {
				t.Error(err)
			}
		}
	}()
	for reading := true; reading; {
		select {
		case <-done:
			reading = false
		default:
		}
		text, err := os.ReadFile(name)
		if err != nil || !bytes.Equal(text, contents[0]) && !bytes.Equal(text, contents[1]) {
			t.Fatalf("%d bytes, %v", len(text), err)
		}
	}
	if rest, _ := filepath.Glob(filepath.Join(filepath.Dir(name), ".f.*")); len(rest) > 0 {
		t.Errorf("left behind: %v", rest)
	}
}

func TestPermissionsAndLinksStay(t *testing.T) {
	dir := t.TempDir()
	target, link := filepath.Join(dir, "target"), filepath.Join(dir, "link")
	if err := os.WriteFile(target, []byte("old"), 0o640); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, link); err != nil {
		t.Skip("no links here")
	}
	if err := Write(link, []byte("new")); err != nil {
		t.Fatal(err)
	}
	info, err := os.Lstat(link)
	if err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link was replaced: %v, %v", info.Mode(), err)
	}
	if text, _ := os.ReadFile(target); string(text) != "new" {
		t.Errorf("the target holds %q", text)
	}
	if info, err := os.Stat(target); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("permissions %v, %v", info.Mode(), err)
	}
}

func TestRefused(t *testing.T) {
	dir := t.TempDir()
	if err := Write(dir, nil); err == nil {
		t.Error("a folder was replaced")
	}
	name := filepath.Join(dir, "f")
	if err := os.WriteFile(name, []byte("kept"), 0o444); err != nil {
		t.Fatal(err)
	}
	if err := Write(name, []byte("new")); err == nil {
		t.Error("a read-only file was replaced")
	}
	if text, _ := os.ReadFile(name); string(text) != "kept" {
		t.Errorf("holds %q", text)
	}
	if err := Write(filepath.Join(dir, "none", "f"), nil); err == nil {
		t.Error("a folder that is not there was written to")
	}
}

func TestErrorNamesTheFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "missing", "f")
	if err := Write(name, nil); err == nil || err.Error() != "write "+name+": no such file or directory" {
		t.Errorf("got %v", err)
	}
}
