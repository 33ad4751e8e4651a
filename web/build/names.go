package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
)

// withoutNames empties the names of functions and files in a Go program for
// WebAssembly. Only the text of a crash's stack has them, and they are a
// twentieth of what a first visit loads; the linker has no flag for it.
//
// The names lie in the table that the Go runtime calls pclntab, whose header
// (runtime/symtab.go, pcHeader) says where.
func withoutNames(wasm []byte) ([]byte, error) {
	m, err := newMemory(bytes.Clone(wasm))
	if err != nil {
		return nil, err
	}
	// Magic of Go 1.20 and later, two bytes of padding, instructions of one byte, pointers of eight.
	header, ok := m.find([]byte{0xf1, 0xff, 0xff, 0xff, 0, 0, 1, 8})
	if !ok {
		return nil, errors.New("no pclntab in the program: has its header changed?")
	}
	field := func(i int64) int64 { return m.word(header + 8*i) }
	functions, names, units, files, places := field(1), field(4), field(5), field(6), field(7)
	if functions <= 0 || names <= 0 || units <= names || files < units || places <= files || places > int64(len(wasm)) {
		return nil, errors.New("the pclntab of the program has another header than that of Go 1.20 to 1.26")
	}
	m.clear(header+names, header+units)
	m.clear(header+files, header+places)
	return m.wasm, nil
}

// memory is a program's linear memory as its data section fills it.
type memory struct {
	wasm     []byte
	segments []segment
}

// segment is a piece of the memory and where it lies in the file.
type segment struct{ address, at, size int64 }

// dataSection is the id of a WebAssembly module's data section.
const dataSection = 11

var errData = errors.New("the program has a data section that is not understood")

func newMemory(wasm []byte) (*memory, error) {
	m := &memory{wasm: wasm}
	for at := 8; at < len(wasm); { // after magic and version
		id := wasm[at]
		size, n := binary.Uvarint(wasm[at+1:]) // LEB128 is Go's uvarint
		start := at + 1 + n
		if at = start + int(size); n <= 0 || at > len(wasm) {
			return nil, errData
		}
		if id == dataSection {
			return m, m.read(start, at)
		}
	}
	return nil, errData
}

// read gathers the segments of the data section between two places.
func (m *memory) read(at, end int) error {
	r := bytes.NewReader(m.wasm[at:end])
	count, err := binary.ReadUvarint(r)
	if err != nil {
		return errData
	}
	for range count {
		var s segment
		if head, _ := binary.ReadUvarint(r); head != 0 { // of memory 0, at a constant
			return errData
		}
		if op, _ := r.ReadByte(); op != 0x41 { // i32.const
			return errData
		}
		s.address = signed(r)
		if op, _ := r.ReadByte(); op != 0x0b { // end
			return errData
		}
		size, err := binary.ReadUvarint(r)
		s.size, s.at = int64(size), int64(end)-int64(r.Len())
		if err != nil || s.size < 0 || s.at+s.size > int64(end) {
			return errData
		}
		m.segments = append(m.segments, s)
		if _, err := r.Seek(s.size, io.SeekCurrent); err != nil {
			return errData
		}
	}
	return nil
}

// signed reads a signed LEB128 number.
func signed(r *bytes.Reader) (x int64) {
	for shift := 0; ; shift += 7 {
		b, err := r.ReadByte()
		x |= int64(b&0x7f) << shift
		if err != nil || b < 0x80 {
			if b&0x40 != 0 {
				x |= -1 << (shift + 7)
			}
			return x
		}
	}
}

// find is the address of some bytes.
func (m *memory) find(pattern []byte) (int64, bool) {
	for _, s := range m.segments {
		if i := bytes.Index(m.wasm[s.at:s.at+s.size], pattern); i >= 0 {
			return s.address + int64(i), true
		}
	}
	return 0, false
}

// each calls f with the pieces of the file that fill the memory between two
// addresses; what no segment fills is zero.
func (m *memory) each(from, to int64, f func(address int64, piece []byte)) {
	for _, s := range m.segments {
		lo, hi := max(from, s.address), min(to, s.address+s.size)
		if lo < hi {
			f(lo, m.wasm[s.at+lo-s.address:s.at+hi-s.address])
		}
	}
}

// word is the number of eight bytes at an address.
func (m *memory) word(address int64) int64 {
	var b [8]byte
	m.each(address, address+8, func(at int64, piece []byte) { copy(b[at-address:], piece) })
	return int64(binary.LittleEndian.Uint64(b[:]))
}

func (m *memory) clear(from, to int64) {
	m.each(from, to, func(_ int64, piece []byte) { clear(piece) })
}
