//go:build linux

package rehearse

import (
	"context"
	"fmt"
	"io/fs"

	"github.com/raiz-dns/raiz/provision/observation"
	"github.com/raiz-dns/raiz/templates"
)

// lab are the packs of the machines around the server.
type lab struct{ router, primary templates.Component }

func loadLab(packs fs.FS) (l lab, err error) {
	if l.router, err = templates.DefaultLab(packs, templates.Router); err != nil {
		return lab{}, fmt.Errorf("router of the rehearsal: %w", err)
	}
	if l.primary, err = templates.DefaultLab(packs, templates.Primary); err != nil {
		return lab{}, fmt.Errorf("primary of the rehearsal: %w", err)
	}
	return l, nil
}

// labRecord is what is done with the lab's packs once it stands, also by
// another process.
type labRecord struct {
	Routes, Refused observation.Observation // of the router
	Commands        map[string][]string     // of the primary
}

func (l lab) record() labRecord {
	return labRecord{
		Routes: l.router.Observations["routes"], Refused: l.router.Observations["refused"], Commands: l.primary.Commands,
	}
}

// outfit puts the files of a lab pack onto a machine that does not run.
func (m *Machine) outfit(ctx context.Context, c templates.Component, v Values) error {
	with := func(item any) any {
		v.Item = item
		return v
	}
	for _, f := range c.Files {
		made, err := f.Make(with, with)
		if err != nil {
			return fmt.Errorf("lab pack %s/%s: file %s: %w", c.Kind, c.Name, f.Path, err)
		}
		for _, file := range made {
			if err := m.Write(file.Path, f.Mode, file.Text); err != nil {
				return err
			}
			if f.Owner == "root" && f.Group == "root" {
				continue
			}
			if _, err := run(ctx, "chroot", m.root, "chown", f.Owner+":"+f.Group, file.Path); err != nil {
				return fmt.Errorf("lab pack %s/%s: file %s: %w", c.Kind, c.Name, file.Path, err)
			}
		}
	}
	return nil
}
