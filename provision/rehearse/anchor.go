//go:build linux

package rehearse

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/miekg/dns"

	"github.com/raiz-dns/raiz/provision/site"
)

// anchorFile has the DNSKEY records of the key-signing keys, as validators
// read them.
const anchorFile = "trust-anchors"

// AnchorFile is a file with the DNSKEY record of each signed zone's
// key-signing key.
func (p Primary) AnchorFile() string { return filepath.Join(p.testbed.dir(), anchorFile) }

// Anchors returns the trust anchors of the zones that the primary signs.
func (p Primary) Anchors() ([]site.TrustAnchor, error) {
	var all []site.TrustAnchor
	for i, z := range p.zones() {
		if z.Signed == Unsigned {
			continue
		}
		key, err := p.keyRecord(i)
		if err != nil {
			return nil, err
		}
		ds := key.ToDS(dns.SHA256)
		if ds == nil {
			return nil, fmt.Errorf("make trust anchor of zone %s: no digest of its key", z.Name)
		}
		all = append(all, site.TrustAnchor{
			Zone: z.Name, KeyTag: ds.KeyTag, Algorithm: ds.Algorithm, DigestType: ds.DigestType, Digest: strings.ToUpper(ds.Digest),
		})
	}
	return all, nil
}

// anchor gives the Site the trust anchors that its zones have here. A site
// that trusts none goes on doing so.
func (t *Testbed) anchor() error {
	if len(t.Site.DNS.TrustAnchors) == 0 || len(t.Zones) == 0 {
		return nil
	}
	all, err := t.Primary.Anchors()
	if err != nil {
		return err
	}
	t.Site.DNS.TrustAnchors = all
	t.Substitutions = append(t.Substitutions, Substitution{
		What: "dns trust_anchors", Why: "the zones are signed by keys made for this rehearsal",
	})
	return nil
}

// writeAnchors makes the AnchorFile.
func (p Primary) writeAnchors() error {
	var text strings.Builder
	for i, z := range p.zones() {
		if z.Signed == Unsigned {
			continue
		}
		key, err := p.keyRecord(i)
		if err != nil {
			return err
		}
		text.WriteString(key.String() + "\n")
	}
	if err := os.WriteFile(p.AnchorFile(), []byte(text.String()), 0o644); err != nil {
		return fmt.Errorf("write trust anchors: %w", err)
	}
	return nil
}
