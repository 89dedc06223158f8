//go:build linux

package rehearse

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/templates"
)

// recipe is all that decides how a base tree looks. Its hash names the tree.
type recipe struct {
	suite    string
	packages []string          // sorted
	files    map[string]string // by path below the tree
	absent   []string          // removed after the packages are in, as globs
	disabled []string          // units that are not started, sorted
	enabled  []string          // units that are, sorted
}

// operatingSystem is the kind whose units run on a server as remote hands
// leave it.
const operatingSystem = "system"

// labRelease is the release of Debian of the machines around the server.
const labRelease = "bookworm"

// treesOf are the tree of the server as remote hands leave it, a minimal Debian
// with what its packs declare and nothing of it running, and that of the
// machines around it. A site with the default packs has one tree for all, which
// is built once; packages of other packs may be in conflict with those of the
// default ones, as two time daemons are, and are in a tree without these. So
// are the managers of the network that a server may start from.
func treesOf(s *site.Site, l lab, o Options) (server, around recipe, err error) {
	start, err := setupOf(o.Start)
	if err != nil {
		return recipe{}, recipe{}, err
	}
	catalog, err := templates.Catalog(o.Packs)
	if err != nil {
		return recipe{}, recipe{}, err
	}
	var defaults, chosen []templates.Component
	for _, kind := range templates.Kinds() {
		for _, c := range catalog[kind] {
			if c.Default {
				defaults = append(defaults, c)
			}
			if c.Name == s.Components[kind] || s.Components[kind] == "" && c.Default {
				chosen = append(chosen, c)
			}
		}
	}
	same := func(a, b templates.Component) bool { return a.Name == b.Name }
	usual := s.Server.Release == labRelease && slices.EqualFunc(defaults, chosen, same) && len(start.packages) == 0
	machines := append([]templates.Component{l.router, l.primary}, defaults...)
	if usual {
		around, err = treeOf(labRelease, machines, o.Packages)
		return around, around, err
	}
	if around, err = treeOf(labRelease, machines, nil); err != nil {
		return recipe{}, recipe{}, err
	}
	server, err = treeOf(s.Server.Release, chosen, o.Packages)
	server.manage(start)
	return server, around, err
}

// treeOf is a minimal Debian with what packs declare.
func treeOf(release string, packs []templates.Component, extra []string) (recipe, error) {
	r := recipe{
		suite: release,
		packages: append([]string{
			"ca-certificates", "dbus", "iputils-ping", "libpam-systemd", "netbase", "procps", "sudo", "systemd", "systemd-sysv",
		}, extra...),
		files: map[string]string{"etc/ssh/sshd_config.d/10-installer.conf": "PasswordAuthentication no\n"},
		absent: []string{
			// Timers that would reach for the archive or the disks.
			"etc/systemd/system/timers.target.wants/*",
			// Each machine gets its own.
			"etc/hostname", "etc/machine-id", "etc/resolv.conf", "etc/ssh/ssh_host_*",
		},
	}
	for _, name := range idleGenerators() {
		r.files["etc/systemd/system-generators/systemd-"+name+"-generator"] = "" // masked: systemd.generator(7)
	}
	for _, c := range packs {
		if err := r.add(c); err != nil {
			return recipe{}, fmt.Errorf("pack %s/%s: %w", c.Kind, c.Name, err)
		}
	}
	for _, list := range []*[]string{&r.packages, &r.disabled, &r.enabled} {
		slices.Sort(*list)
		*list = slices.Compact(*list)
	}
	return r, nil
}

// idleGenerators are those of systemd that find nothing in a container, which has
// no encrypted disk and no kernel command line. Each daemon-reload runs every one
// of them: a third of what PID 1 costs.
func idleGenerators() []string {
	return []string{"cryptsetup", "debug", "gpt-auto", "hibernate-resume", "integritysetup", "rc-local", "run", "system-update", "veritysetup"}
}

// add puts a pack in.
func (r *recipe) add(c templates.Component) error {
	r.packages = append(r.packages, c.PackagesOn(r.suite)...)
	units := &r.disabled
	if c.Kind == operatingSystem {
		units = &r.enabled
	}
	*units = append(*units, c.Services...)
	if c.Unit != "" {
		*units = append(*units, c.Unit)
	}
	nothing := func(any) any { return nil } // they know of no site
	for _, f := range c.Rehearsal {
		made, err := f.Make(nothing, nothing)
		if err != nil {
			return fmt.Errorf("rehearsal_file %s: %w", f.Path, err)
		}
		for _, file := range made {
			path := strings.TrimPrefix(file.Path, "/")
			if other, twice := r.files[path]; twice && other != file.Text {
				return fmt.Errorf("rehearsal_file %s: another pack has one with other text", f.Path)
			}
			r.files[path] = file.Text
		}
	}
	return nil
}

// hash names the tree; a changed recipe makes a new one.
func (r recipe) hash() string {
	h := sha256.New()
	fmt.Fprintln(h, r.suite, r.packages, r.absent, r.disabled, r.enabled)
	for _, path := range sortedKeys(r.files) {
		fmt.Fprintf(h, "%s\n%s\n", path, r.files[path])
	}
	return hex.EncodeToString(h.Sum(nil))[:12]
}

// build makes the tree under another name first: a tree that has its name is
// whole.
func (r recipe) build(ctx context.Context, group cgroup, tree string) (err error) {
	temp := tree + ".new"
	clear := func() error { return errors.Join(unmountBelow(temp), os.RemoveAll(temp)) }
	if err := clear(); err != nil { // of a build that died; we hold the lock
		return fmt.Errorf("remove unfinished tree: %w", err)
	}
	defer func() {
		if err != nil {
			// What mmdebstrap started may outlive it, and must not write on.
			err = errors.Join(err, group.kill(context.WithoutCancel(ctx)), clear())
		}
	}()
	cmd := command(ctx, "mmdebstrap", "--variant=minbase", "--format=directory",
		"--include="+strings.Join(r.packages, ","), r.suite, temp)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err = group.start(cmd); err == nil {
		err = cmd.Wait()
	}
	if err != nil {
		return fmt.Errorf("build base tree with mmdebstrap: %w: %s\nthe Debian archive must be reachable, and debian-archive-keyring installed", err, lastLines(strings.TrimSpace(said.String()), 5))
	}
	if err := r.trim(temp); err != nil {
		return err
	}
	for _, path := range sortedKeys(r.files) {
		if err := writeBelow(temp, path, 0o644, r.files[path]); err != nil {
			return err
		}
	}
	if err := os.Rename(temp, tree); err != nil {
		return fmt.Errorf("keep base tree: %w", err)
	}
	return nil
}

// trim takes away what packages leave that is each machine's own, and what they
// have started at boot: installed is not started.
func (r recipe) trim(tree string) error {
	var gone []string
	for _, pattern := range r.absent {
		found, err := filepath.Glob(filepath.Join(tree, pattern))
		if err != nil {
			return fmt.Errorf("trim base tree: %w", err)
		}
		gone = append(gone, found...)
	}
	for _, path := range slices.Concat(gone, r.started(filepath.Join(tree, "etc/systemd/system"))) {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("trim base tree: %w", err)
		}
	}
	return nil
}

// started are the links below /etc/systemd/system by which units of packs, and
// services that belong to no pack, are started: those in the folders of
// targets, and the aliases of what these lead to.
func (r recipe) started(folder string) []string {
	wanted, _ := filepath.Glob(filepath.Join(folder, "*.wants", "*"))
	required, _ := filepath.Glob(filepath.Join(folder, "*.requires", "*"))
	aliases, _ := filepath.Glob(filepath.Join(folder, "*"))
	off := slices.Clone(r.disabled)
	for _, path := range wanted {
		unit := filepath.Base(path)
		daemon := filepath.Base(filepath.Dir(path)) == "multi-user.target.wants" && strings.HasSuffix(unit, ".service")
		if daemon && !slices.Contains(r.enabled, unit) {
			off = append(off, unit)
		}
	}
	var links []string
	for _, path := range slices.Concat(wanted, required, aliases) {
		leads, err := os.Readlink(path)
		if err != nil {
			continue // a folder, or a unit of its own
		}
		if slices.Contains(off, filepath.Base(path)) || slices.Contains(off, filepath.Base(leads)) {
			links = append(links, path)
		}
	}
	return links
}
