package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// page is docs/packs.md as somebody follows it, from the top.
type page struct {
	t       *testing.T
	example string // the site file as it is in the repository
	steps   int
}

// TestPacksPage walks docs/packs.md: every block that names a file is written,
// the components of the site are those of the block before, and every command
// says what the page says that it does.
func TestPacksPage(t *testing.T) {
	text, err := os.ReadFile("../../docs/packs.md")
	if err != nil {
		t.Fatal(err)
	}
	example, err := os.ReadFile("../../sites/as112-gru1.hcl")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	p := &page{t: t, example: string(example)}
	p.site("")
	walk, _, _ := strings.Cut(string(text), "\n## component.hcl")
	for i, part := range strings.Split(walk, "\n```") {
		if i%2 == 0 {
			continue // words between blocks
		}
		head, body, _ := strings.Cut(part, "\n")
		p.block(head, strings.TrimSuffix(body, "\n")+"\n")
	}
	if p.steps < 4 {
		t.Errorf("%d commands on the page", p.steps)
	}
}

// site writes the site file with these components.
func (p *page) site(components string) {
	p.t.Helper()
	end := strings.LastIndex(p.example, "}")
	p.write("gru1.hcl", p.example[:end]+components+"}\n")
}

func (p *page) write(name, text string) {
	p.t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		p.t.Fatal(err)
	}
}

func (p *page) block(head, body string) {
	p.t.Helper()
	_, name, _ := strings.Cut(head, " ")
	switch {
	case name == "site:components":
		p.site(body)
	case name != "":
		p.write(name, body)
	case head == "console":
		p.console(body)
	default:
		p.t.Errorf("a block of %q that is neither a file nor a command", head)
	}
}

// console runs one command; "..." stands for what the page leaves out.
func (p *page) console(body string) {
	p.t.Helper()
	line, want, _ := strings.Cut(body, "\n")
	args, ok := strings.CutPrefix(line, "$ raiz ")
	if !ok {
		p.t.Fatalf("no command of raiz: %q", line)
	}
	p.steps++
	code, stdout, stderr := raiz(p.t, strings.Fields(args)...)
	have := stdout + stderr
	start, cut := strings.CutSuffix(want, "...\n")
	if have != want && (!cut || !strings.HasPrefix(have, start)) {
		p.t.Errorf("%s (exit code %d) says\n%s\nand the page\n%s", line, code, have, want)
	}
	if failed := strings.Contains(want, "error:"); failed != (code != exitDone) {
		p.t.Errorf("%s: exit code %d", line, code)
	}
}
