package docblocks

import (
	"os"
	"path/filepath"
)

// Replace replaces the file that name leads to, whole or not at all; its
// permissions stay. A file that may not be written is an error.
func Replace(name string, content []byte) error {
	name, err := filepath.EvalSymlinks(name)
	if err != nil {
		return err
	}
	old, err := os.OpenFile(name, os.O_WRONLY, 0) // refused where it is read-only
	if err != nil {
		return err
	}
	info, err := old.Stat()
	old.Close()
	if err != nil {
		return err
	}
	temp, err := os.CreateTemp(filepath.Dir(name), ".vramcalc-*")
	if err != nil {
		return err
	}
	defer os.Remove(temp.Name()) // gone already once it was renamed
	_, err = temp.Write(content)
	if err == nil {
		err = temp.Chmod(info.Mode().Perm())
	}
	if err == nil {
		err = temp.Sync()
	}
	if closed := temp.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	return os.Rename(temp.Name(), name)
}
