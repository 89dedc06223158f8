package rehearse

import (
	"fmt"
	"os"
	"path/filepath"
)

// record writes what another process needs to find this rehearsal.
func (g *Ground) record() error {
	if err := os.MkdirAll(g.dir(), 0o700); err != nil {
		return fmt.Errorf("keep rehearsal: %w", err)
	}
	login, err := g.seed.key(identityPurpose)
	if err != nil {
		return err
	}
	return writeFile(filepath.Join(g.dir(), "identity"), 0o600, login.private)
}
