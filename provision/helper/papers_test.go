package helper

import (
	"io/fs"
	"slices"
	"strings"

	"github.com/raiz-dns/raiz/provision/server"
)

// papers are files by their paths, for what stands in for an operating system
// here. What begins with an arrow is a link; a directory is what others are in.
type papers map[string]string

func (p papers) look(file string) (Info, error) {
	if text, is := p[file]; is {
		if link, is := strings.CutPrefix(text, "-> "); is {
			return Info{Kind: server.IsLink, Link: link}, nil
		}
		return Info{Kind: server.IsFile, Attributes: Attributes{Mode: 0o644, Owner: "root", Group: "root"}}, nil
	}
	for name := range p {
		if strings.HasPrefix(name, file+"/") {
			return Info{Kind: server.IsOther}, nil
		}
	}
	return Info{}, fs.ErrNotExist
}

func (p papers) list(dir string) ([]string, error) {
	var out []string
	for file := range p {
		if rest, below := strings.CutPrefix(file, dir+"/"); below {
			name, _, _ := strings.Cut(rest, "/")
			out = append(out, name)
		}
	}
	if out == nil {
		return nil, fs.ErrNotExist
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// those are units by name.
func those(units map[string]server.UnitFact, names []string) map[string]server.UnitFact {
	out := map[string]server.UnitFact{}
	for _, n := range names {
		out[n] = units[n]
	}
	return out
}
