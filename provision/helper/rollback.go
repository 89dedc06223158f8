package helper

import (
	"fmt"
	"slices"

	"github.com/raiz-dns/raiz/provision/server"
)

// rollback makes the manifest of an earlier generation the new one. What is
// managed now and was not then goes; a secret, which no generation keeps, stays
// as it stands. What that generation declares is answered, for the gate: it is
// not what the site file declares today.
func (h *Helper) rollback(q server.RollbackRequest, tell func(server.Event)) (*server.Status, error) {
	var declared []byte
	return h.change(begun{
		run: q.Run, seconds: q.Seconds, of: q.Number, reviewed: q.Reviewed,
		manifest: func(was server.Manifest) (server.Manifest, error) {
			m, err := h.again(q.Number, was)
			declared = m.Declared
			return m, err
		},
	}, func(s server.State) { tell(server.Event{Event: s, At: h.os.Now(), Declared: declared}) })
}

// again is the manifest of an earlier generation with its bytes.
func (h *Helper) again(n int, was server.Manifest) (server.Manifest, error) {
	r, err := h.load(n)
	if err != nil || r.State != server.Confirmed {
		return server.Manifest{}, refused("generation %d was never confirmed; raiz history lists those that were", n)
	}
	m, err := h.manifest(n)
	if err != nil {
		return m, err
	}
	m.Plan = fmt.Sprintf("rollback-%d", n)
	for i := range m.Files {
		f := &m.Files[i]
		if f.Secret {
			s, err := h.stands(f.Path)
			if err != nil || s.Kind != server.IsFile {
				return m, refused("%s holds a secret, which generation %d does not keep, and it is not there now", f.Path, n)
			}
			f.Data = s.Data
		} else if f.Data, err = h.os.Read(bytesOf(n, i)); err != nil {
			return m, fmt.Errorf("read %s of generation %d: %w", f.Path, n, err)
		}
		if sum := sumOf(f.Data); f.Sum == "" {
			f.Sum = sum
		} else if f.Sum != sum {
			return m, refused("%s of generation %d is damaged", f.Path, n)
		}
	}
	m.Deletes = nil
	for _, f := range was.Files {
		if _, stays := fileOf(m, f.Path); !stays && !slices.Contains(m.Deletes, f.Path) {
			m.Deletes = append(m.Deletes, f.Path)
		}
	}
	return m, nil
}
