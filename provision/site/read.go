package site

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"unicode/utf8"
)

// What one Load takes in. A site file has about 4 KiB; all sites of the root
// server system together have about 8 MiB.
const (
	maxFileSize  = 1 << 20
	maxTotalSize = 64 << 20
	maxFiles     = 20_000
)

// readSources returns the site files that name stands for, sorted by name.
func readSources(fsys fs.FS, name string) ([]*source, Diagnostics) {
	if fsys == nil || !fs.ValidPath(name) {
		return nil, Diagnostics{fileProblem(name, "no such site file",
			"The name has to be a path below the folder that is read, without \"..\".")}
	}
	st, err := fs.Stat(fsys, name)
	if err != nil {
		return nil, Diagnostics{Unreadable(name, err)}
	}
	names, dir := []string{name}, st.IsDir()
	if dir {
		if names, err = siteFiles(fsys, name); err != nil {
			return nil, Diagnostics{Unreadable(name, err)}
		}
		if len(names) == 0 {
			return nil, Diagnostics{fileProblem(name, "no site files",
				"The folder holds no file that ends in .hcl. Files in folders below it are not read.")}
		}
	}
	if len(names) > maxFiles {
		return nil, Diagnostics{fileProblem(name, "too many site files",
			fmt.Sprintf("The folder holds %d files; at most %d are read at once.", len(names), maxFiles))}
	}
	return readAll(fsys, name, names)
}

// siteFiles lists the .hcl files of a folder, in order.
func siteFiles(fsys fs.FS, dir string) ([]string, error) {
	entries, err := fs.ReadDir(fsys, dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		// Editors keep hidden copies such as ".#gru1.hcl".
		if !e.IsDir() && path.Ext(e.Name()) == ".hcl" && !strings.HasPrefix(e.Name(), ".") {
			names = append(names, path.Join(dir, e.Name()))
		}
	}
	return names, nil
}

func readAll(fsys fs.FS, name string, names []string) ([]*source, Diagnostics) {
	var all []*source
	var diags Diagnostics
	total := 0
	for _, n := range names {
		src, problem := readSource(fsys, n)
		if problem != nil {
			diags = append(diags, *problem)
			continue
		}
		if total += len(src.text); total > maxTotalSize {
			return nil, append(diags, fileProblem(name, "site files too large",
				fmt.Sprintf("Together the files are larger than %d MiB.", maxTotalSize>>20)))
		}
		all = append(all, src)
	}
	return all, diags
}

// readSource reads one file and refuses what the parser should not see.
func readSource(fsys fs.FS, name string) (*source, *Diagnostic) {
	problem := func(d Diagnostic) (*source, *Diagnostic) { return nil, &d }
	f, err := fsys.Open(name)
	if err != nil {
		return problem(Unreadable(name, err))
	}
	defer f.Close()
	if st, err := f.Stat(); err != nil || !st.Mode().IsRegular() {
		return problem(fileProblem(name, "not a regular file", "A site file has to be a regular file."))
	}
	text, err := io.ReadAll(io.LimitReader(f, maxFileSize+1))
	if err != nil {
		return problem(Unreadable(name, err))
	}
	if len(text) > maxFileSize {
		return problem(fileProblem(name, "site file too large",
			fmt.Sprintf("The file is larger than %d MiB; a site file has a few KiB.", maxFileSize>>20)))
	}
	if pos, ok := firstUnreadable(name, text); !ok {
		d := fileProblem(name, "not a text file", "Here is something that is not UTF-8 text. Save the file as UTF-8.")
		d.Pos = pos
		return problem(d)
	}
	// Some editors begin a file with a byte order mark, which means nothing
	// in UTF-8.
	return &source{name: name, text: bytes.TrimPrefix(text, []byte("\ufeff"))}, nil
}

// firstUnreadable finds the first byte that is not UTF-8 text. NUL is valid
// UTF-8, but tells of UTF-16 and of binary files.
func firstUnreadable(name string, text []byte) (Pos, bool) {
	pos := Pos{File: name, Line: 1, Column: 1}
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		switch {
		case r == 0 || (r == utf8.RuneError && size == 1):
			return pos, false
		case r == '\n':
			pos.Line, pos.Column = pos.Line+1, 1
		default:
			pos.Column++
		}
		text = text[size:]
	}
	return Pos{}, true
}

func fileProblem(name, summary, detail string) Diagnostic {
	return Diagnostic{Severity: Error, Rule: "file", Summary: summary, Detail: detail, Pos: Pos{File: name}}
}

// Unreadable is the problem of a site file that could not be opened.
func Unreadable(name string, err error) Diagnostic {
	if errors.Is(err, fs.ErrNotExist) {
		return fileProblem(name, "no such site file", "There is no file or folder of this name.")
	}
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		err = pathErr.Err
	}
	return fileProblem(name, "site file not readable", fmt.Sprintf("Reading it gave: %s.", err))
}
