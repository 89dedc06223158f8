package templates_test

import (
	"fmt"
	"go/scanner"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/raiz-dns/raiz/templates"
)

// common are words of packs that are no daemon's: packs of the operating
// system and of the network, and tools that every Debian has.
func common() []string {
	return []string{
		"bash", "debian", "hostname", "install", "ip", "iproute2", "ln", "networkctl", "networkd", "openssh-server",
		"perl", "rm", "sh", "ssh", "sshd", "systemctl", "systemd", "systemd-networkd",
	}
}

// excused is a place that may say such a word: a host's router may be one,
// which is a language that a fragment is written in, and no pack.
func excused(file, word string) bool {
	if strings.HasPrefix(file, "provision/helper/sim/") {
		return true // a server that is made up has daemons as well
	}
	return file == "provision/site/host.go" && slices.Contains([]string{"bird", "frr", "openbgpd"}, word)
}

// packWords are the words by which packs call what they are about: their
// names, units, packages, and the programs that they run.
func packWords(t *testing.T) []string {
	t.Helper()
	catalog, err := templates.Catalog(templates.FS())
	if err != nil {
		t.Fatal(err)
	}
	all := slices.Concat(slices.Collect(maps.Values(catalog))...)
	for _, role := range []templates.Role{templates.Router, templates.Primary} {
		lab, err := fs.Glob(templates.FS(), path.Join("lab", string(role), "*"))
		if err != nil || len(lab) == 0 {
			t.Fatalf("packs of the %s: %v, %v", role, lab, err)
		}
		for _, folder := range lab {
			c, err := templates.LoadLab(templates.FS(), role, path.Base(folder))
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, c)
		}
	}
	words := map[string]bool{}
	for _, c := range all {
		for _, w := range wordsOf(c) {
			words[strings.ToLower(w)] = true
		}
	}
	for _, w := range common() {
		delete(words, w)
	}
	return slices.Sorted(maps.Keys(words))
}

func wordsOf(c templates.Component) []string {
	words := append([]string{c.Name}, slices.Concat(slices.Collect(maps.Values(c.Packages))...)...)
	for _, unit := range append(slices.Clone(c.Services), c.Unit) {
		words = append(words, strings.TrimSuffix(unit, path.Ext(unit)))
	}
	argvs := slices.Collect(maps.Values(c.Commands))
	for _, f := range c.Files {
		argvs = append(argvs, f.Effect.Check, f.Effect.Command)
	}
	for _, o := range c.Observations {
		argvs = append(argvs, o.Command)
	}
	for _, argv := range argvs {
		if len(argv) == 0 {
			continue
		}
		words = append(words, path.Base(argv[0]))
		if base := path.Base(argv[0]); base == "sh" || base == "bash" { // what the shell is there for
			words = append(words, regexp.MustCompile(`exec (\S+)`).FindAllString(strings.Join(argv, " "), -1)...)
		}
	}
	for i := range words {
		words[i] = strings.TrimPrefix(words[i], "exec ")
	}
	return slices.DeleteFunc(words, func(w string) bool { return w == "" || strings.Contains(w, "{") || strings.HasPrefix(w, "raiz-") })
}

// said calls found with every comment and string literal of a Go file.
func said(t *testing.T, file string, found func(line int, text string)) {
	t.Helper()
	src, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	files := token.NewFileSet()
	var s scanner.Scanner
	s.Init(files.AddFile(file, files.Base(), len(src)), src, nil, scanner.ScanComments)
	for {
		pos, what, text := s.Scan()
		switch what {
		case token.EOF:
			return
		case token.COMMENT, token.STRING, token.CHAR:
			found(files.Position(pos).Line, text)
		}
	}
}

// namesIn are the places of a tree of Go that say a word, tests aside.
func namesIn(t *testing.T, root string, words []string) []string {
	t.Helper()
	for i := range words {
		words[i] = regexp.QuoteMeta(words[i])
	}
	// A longer word first, so that it is named whole.
	slices.SortFunc(words, func(a, b string) int { return len(b) - len(a) })
	pattern := regexp.MustCompile(`(?i)\b(` + strings.Join(words, "|") + `)\b`)
	var places []string
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() && d.Name() == "testdata" {
			if err == nil {
				err = fs.SkipDir
			}
			return err
		}
		if path.Ext(file) != ".go" || strings.HasSuffix(file, "_test.go") {
			return nil
		}
		name := filepath.ToSlash(strings.TrimPrefix(file, ".."+string(filepath.Separator)))
		said(t, file, func(line int, text string) {
			for _, at := range pattern.FindAllStringIndex(text, -1) {
				if word := text[at[0]:at[1]]; !excused(name, strings.ToLower(word)) {
					places = append(places, fmt.Sprintf("%s:%d: %s", name, line+strings.Count(text[:at[0]], "\n"), word))
				}
			}
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return places
}

// TestNobodyNamesAPack: what a pack is about is known to nobody outside of its
// folder, so that another one takes its place without any Go.
func TestNobodyNamesAPack(t *testing.T) {
	for _, root := range []string{"cmd", "provision", "templates"} {
		if places := namesIn(t, filepath.Join("..", root), packWords(t)); len(places) > 0 {
			t.Errorf("these name what only a pack may name: say what it does, or let the pack say it:\n%s", strings.Join(places, "\n"))
		}
	}
}

func TestNamesAreSeen(t *testing.T) {
	words := packWords(t)
	for _, w := range []string{"bird", "bird2", "birdc", "nsd", "nsd-control", "nsd-checkconf", "ldns-keygen", "ldns-signzone", "ldnsutils", "chronyc", "chronyd", "nft", "nftables", "knotc"} {
		if !slices.Contains(words, w) {
			t.Errorf("%s is no word of any pack: %v", w, words)
		}
	}
	root := t.TempDir()
	src := "package p\n\n// NSD is a name.\nvar bird = `a\nbirdc` + \"nsd-control\" + \"birds nsdx\"\n"
	if err := os.WriteFile(filepath.Join(root, "p.go"), []byte(src), 0o600); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, place := range namesIn(t, root, words) {
		_, at, _ := strings.Cut(place, ".go")
		got = append(got, at)
	}
	if diff := gocmp.Diff([]string{":3: NSD", ":5: birdc", ":5: nsd-control"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
