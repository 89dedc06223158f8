// Command raiz-sbom says as CycloneDX JSON which modules are in released
// programs. It asks the programs themselves, which the linker has told: what
// somebody wrote down, or go.mod, which has the modules of tests and tools as
// well, might differ from what is there.
package main

import (
	"bytes"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

func main() {
	if len(os.Args) < 4 {
		fmt.Fprintln(os.Stderr, "usage: raiz-sbom VERSION DATE PROGRAM...   DATE is RFC 3339: of the commit, so that it is the same each time")
		os.Exit(64)
	}
	if err := run(os.Stdout, os.Args[1], os.Args[2], os.Args[3:]); err != nil {
		fmt.Fprintln(os.Stderr, "raiz-sbom:", err)
		os.Exit(1)
	}
}

func run(out io.Writer, version, date string, files []string) error {
	when, err := time.Parse(time.RFC3339, date)
	if err != nil {
		return err
	}
	var programs []program
	for _, f := range files {
		p, err := read(f)
		if err != nil {
			return fmt.Errorf("%s: %w", f, err)
		}
		programs = append(programs, p)
	}
	e := cdx.NewBOMEncoder(out, cdx.BOMFileFormatJSON)
	e.SetPretty(true)
	return e.EncodeVersion(document(version, when.UTC().Format(time.RFC3339), programs), cdx.SpecVersion1_6)
}

// program is a released program, and what it says of itself.
type program struct {
	name string // "raiz linux/amd64"
	sum  string // SHA-256, hex
	info *debug.BuildInfo
}

func read(file string) (program, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return program{}, err
	}
	info, err := buildinfo.Read(bytes.NewReader(data))
	if err != nil {
		return program{}, err
	}
	sum := sha256.Sum256(data)
	name := fmt.Sprintf("%s %s/%s", path.Base(info.Path), setting(info, "GOOS"), setting(info, "GOARCH"))
	return program{name, hex.EncodeToString(sum[:]), info}, nil
}

func setting(info *debug.BuildInfo, key string) string {
	for _, s := range info.Settings {
		if s.Key == key {
			return s.Value
		}
	}
	return "unknown"
}

// document has each program, each module once, and which program has which.
func document(version, date string, programs []program) *cdx.BOM {
	bom := cdx.NewBOM()
	whole := cdx.Component{BOMRef: "raiz", Type: cdx.ComponentTypeApplication, Name: "raiz", Version: version}
	bom.Metadata = &cdx.Metadata{Timestamp: date, Component: &whole}
	var components, modules []cdx.Component
	var uses []cdx.Dependency
	var names []string
	for _, p := range programs {
		names = append(names, p.name)
		components = append(components, cdx.Component{
			BOMRef: p.name, Type: cdx.ComponentTypeApplication, Name: p.name, Version: version,
			Hashes: &[]cdx.Hash{{Algorithm: cdx.HashAlgoSHA256, Value: p.sum}},
		})
		var has []string
		for _, m := range modulesOf(p.info) {
			has = append(has, m.BOMRef)
			modules = append(modules, m)
		}
		uses = append(uses, cdx.Dependency{Ref: p.name, Dependencies: &has})
	}
	slices.SortFunc(modules, func(a, b cdx.Component) int { return strings.Compare(a.BOMRef, b.BOMRef) })
	modules = slices.CompactFunc(modules, func(a, b cdx.Component) bool { return a.BOMRef == b.BOMRef })
	components = append(components, modules...)
	uses = append(uses, cdx.Dependency{Ref: "raiz", Dependencies: &names})
	bom.Components, bom.Dependencies = &components, &uses
	return bom
}

// modulesOf are the modules of a program, Go's own library among them: most of
// what is found in Go programs is found there.
func modulesOf(info *debug.BuildInfo) []cdx.Component {
	out := []cdx.Component{library("std", info.GoVersion, "", "pkg:golang/std@"+strings.TrimPrefix(info.GoVersion, "go"))}
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		out = append(out, library(m.Path, m.Version, m.Sum, "pkg:golang/"+m.Path+"@"+m.Version))
	}
	return out
}

func library(name, version, sum, purl string) cdx.Component {
	// A "+" stands for itself nowhere in a package URL (package-url/purl-spec).
	purl = strings.ReplaceAll(purl, "+", "%2B")
	c := cdx.Component{BOMRef: purl, Type: cdx.ComponentTypeLibrary, Name: name, Version: version, PackageURL: purl}
	// The sum of go.sum is a SHA-256 over a list of the module's files
	// (golang.org/x/mod/sumdb/dirhash).
	if raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(sum, "h1:")); err == nil && len(raw) == sha256.Size {
		c.Hashes = &[]cdx.Hash{{Algorithm: cdx.HashAlgoSHA256, Value: hex.EncodeToString(raw)}}
	}
	return c
}
