// Package files replaces files as a whole or not at all.
package files

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Write makes name hold data: a reader, and a program killed at any moment,
// sees the old content or the new, nothing between. Permissions stay as they
// are; a link is followed, so that what it points to is replaced.
func Write(name string, data []byte) error {
	target, err := filepath.EvalSymlinks(name)
	if errors.Is(err, fs.ErrNotExist) {
		target = name
	} else if err != nil {
		return err
	}
	mode := fs.FileMode(0o644)
	if info, err := os.Stat(target); err == nil {
		switch {
		case !info.Mode().IsRegular():
			return fmt.Errorf("%s is no regular file", name)
		case info.Mode().Perm()&0o200 == 0:
			return fmt.Errorf("%s is read-only", name)
		}
		mode = info.Mode().Perm()
	}
	return replace(target, data, mode)
}

// replace writes beside the target, which keeps both on one file system, and
// renames.
func replace(target string, data []byte, mode fs.FileMode) (err error) {
	f, err := os.CreateTemp(filepath.Dir(target), "."+filepath.Base(target)+".*")
	if err != nil {
		if at := (*fs.PathError)(nil); errors.As(err, &at) { // of the file that nobody named
			return &fs.PathError{Op: "write", Path: target, Err: at.Err}
		}
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name())
		}
	}()
	_, err = f.Write(data)
	err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close())
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), target)
}
