package sim

import (
	"io/fs"
	"slices"

	"github.com/raiz-dns/raiz/provision/server"
)

// Sockets implements helper.Surroundings: nobody listens here.
func (p *Process) Sockets() ([]server.Socket, error) {
	return nil, p.looksAt("look at", "sockets")
}

// Failed implements helper.Surroundings.
func (p *Process) Failed() ([]string, error) {
	if err := p.looksAt("look at", "units"); err != nil {
		return nil, err
	}
	var out []string
	for name, u := range p.m.units {
		if u.active == "failed" {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out, nil
}

// Disk implements helper.Surroundings.
func (p *Process) Disk(path string) (server.Disk, error) {
	if err := p.looksAt("look at", path); err != nil {
		return server.Disk{}, err
	}
	if w, err := p.m.disk.walk(path); err != nil || !w.found {
		return server.Disk{}, failed("look at", path, fs.ErrNotExist)
	}
	d := server.Disk{Path: path, Bytes: 1 << 30, Free: 1 << 29, ReadOnly: p.m.disk.readOnly == "/" || p.m.disk.readOnly == path}
	if p.m.disk.full {
		d.Free = 0
	}
	return d, nil
}
