package apply

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/raiz-dns/raiz/provision/plan"
	"github.com/raiz-dns/raiz/provision/remote"
	"github.com/raiz-dns/raiz/provision/state"
	"github.com/raiz-dns/raiz/provision/verdict"
)

// installTimeout is for a mirror behind a bad link.
const installTimeout = 20 * time.Minute

// packages installs what is missing, before any file changes. A daemon that
// Debian would start on installation is kept from it (policy-rc.d, Debian
// Policy §9.3.3): nothing of ours runs before its configuration is there.
// Packages are not taken back by a revert: an installed daemon that is not
// started changes nothing.
func packages(ctx context.Context, p plan.Plan, d Deps, j *Journal) error {
	start := time.Now()
	words := []string{"apt-get", "install", "-y", "-q", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=60", "--"}
	for _, c := range p.Of(state.Package) {
		words = append(words, c.Key.Name)
	}
	script := strings.Join([]string{
		`policy=/usr/sbin/policy-rc.d`,
		`if [ ! -e "$policy" ]; then`,
		`	printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod 755 "$policy"`,
		`	trap 'rm -f "$policy"' EXIT HUP INT TERM`,
		`fi`,
		`export DEBIAN_FRONTEND=noninteractive`,
		remote.Command(words...) + " </dev/null",
	}, "\n") + "\n"
	result, err := d.Server.Run(ctx, remote.Script{Text: script, Root: true, Deadline: installTimeout})
	if err == nil && result.Code != 0 {
		err = fmt.Errorf("apt-get exit %d: %s; run apt-get update there, or check its mirror", result.Code, lastLine(result.Stderr))
	}
	if err != nil {
		j.add(verdict.New("apply.packages"), Failed, err, start)
		j.Outcome = Failed
		return fmt.Errorf("install packages: %w", err)
	}
	j.add(verdict.New("apply.packages"), Done, nil, start)
	return nil
}

func lastLine(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return lines[len(lines)-1]
}
