package site

import (
	"bytes"
	"fmt"
	"io/fs"
	"path"
	"runtime"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/dynblock"
	"github.com/hashicorp/hcl/v2/gohcl"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"golang.org/x/sync/errgroup"

	"github.com/raiz-dns/raiz/provision/secret"
)

// Options says what Load may use besides the site files.
type Options struct {
	// Lookup finds what env, exec and file outside of the site folder refer
	// to, for one site. Nobody is asked before a secret of that site is
	// needed; without one, each is missing.
	Lookup func(site string) secret.Lookup
	// Base is put in front of the names of site files, where people see them.
	Base string
	// Packs are the component packs that there are, by kind. Without them any
	// name will do.
	Packs map[string][]Pack
	// Operators is the folder with the operator profiles, NAME.hcl.
	Operators fs.FS
	// Done ends the evaluation when it is closed; nil never is.
	Done <-chan struct{}
}

// Load reads the site file name, or all *.hcl files of the folder name as if
// they were one, and returns the valid sites by name and all problems by
// position. A site with an Error among the problems is not returned.
//
// Nothing is opened but site files and the regular files of their folder that
// file() names; fsys should be one that leads nowhere else (secret.Folder).
// Secrets need not be there: a site that lacks some is valid, and its
// MissingSecrets looks them up and says what is to be done.
func Load(fsys fs.FS, name string, opt Options) ([]*Site, Diagnostics) {
	files, diags := readSources(fsys, name)
	inBase(opt.Base, files, diags)
	l := &loader{ranges: specials(), packs: opt.Packs, lookup: opt.Lookup, looked: newLookups(fsys, folderOf(fsys, name))}
	l.rules = requirements(l.ranges)
	profiles, more := loadProfiles(opt.Operators, l)
	diags = append(diags, more...)
	ctx := &hcl.EvalContext{Functions: functions(l.looked)}
	l.spent = &budget{done: opt.Done}
	shared := newLocals(ctx)
	parsed, more := l.parseLocals(path.Join(opt.Base, name), files, shared)
	diags = append(diags, more...)
	ctx.Variables = map[string]cty.Value{"local": shared.evaluate()}
	diags = append(diags, shared.diags...)

	l.ctx, l.profiles = ctx, profiles
	results := make([]result, len(files))
	group := errgroup.Group{}
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, src := range files {
		group.Go(func() error {
			results[i] = loadFile(src, parsed[i], l)
			return nil
		})
	}
	_ = group.Wait()

	diags = append(diags, l.spent.problems(path.Join(opt.Base, name))...)
	if used := l.looked.both(); len(used) > 0 {
		return nil, usedTwice(path.Join(opt.Base, name), used)
	}
	var sites []*Site
	var vague Diagnostics
	for _, r := range results {
		sites = append(sites, r.sites...)
		diags = append(diags, r.diags...)
		vague = append(vague, r.vague...)
	}
	if !diags.HasErrors() {
		diags = append(diags, vague...)
	}
	if len(files) > 0 && !diags.HasErrors() && len(sites) == 0 {
		diags = append(diags, fileProblem(path.Join(opt.Base, name), "no site", `There is no site block. A site begins with: site "gru1" {`))
	}
	sites, more = uniqueNames(sites)
	diags = append(diags, more...)
	return sites, told(diags)
}

// inBase gives files and problems the names that people know them by.
func inBase(base string, files []*source, diags Diagnostics) {
	for _, src := range files {
		src.name = path.Join(base, src.name)
	}
	for i := range diags {
		diags[i].Pos.File = path.Join(base, diags[i].Pos.File)
	}
}

// folderOf is the folder of the site files.
func folderOf(fsys fs.FS, name string) string {
	if fsys == nil || !fs.ValidPath(name) {
		return "."
	}
	if st, err := fs.Stat(fsys, name); err == nil && st.IsDir() {
		return name
	}
	return path.Dir(name)
}

// usedTwice is all that is said when a file is a secret in one place and goes
// into a printed one elsewhere: any other message might repeat what is in it.
func usedTwice(name string, sources []string) Diagnostics {
	d := fileProblem(name, "secret in a printed argument", fmt.Sprintf(
		"%s is a secret in one place and printed in another. Take it out of one of them.", strings.Join(sources, ", ")))
	d.Rule = "secret-printed"
	return Diagnostics{d}
}

// result is what one file gives.
type result struct {
	sites []*Site
	diags Diagnostics
	vague Diagnostics // said only where nothing else is
}

// parsedFile is a file that was parsed before the sites are read.
type parsedFile struct {
	body  *hclsyntax.Body
	meter *meter
	diags Diagnostics
}

// maxLocalsSize bounds the files that may declare locals, in bytes: their
// syntax trees stand side by side.
const maxLocalsSize = 16 << 20

// parseLocals reads the files that may declare locals. The others are parsed
// when their turn comes and forgotten again: a syntax tree is fifty times as
// large as its text.
func (l *loader) parseLocals(name string, files []*source, shared *locals) (map[int]parsedFile, Diagnostics) {
	parsed, total := map[int]parsedFile{}, 0
	for i, src := range files {
		if !bytes.Contains(src.text, []byte("locals")) {
			continue
		}
		if total += len(src.text); total > maxLocalsSize {
			return parsed, Diagnostics{fileProblem(name, "locals too large", fmt.Sprintf(
				"The files that say \"locals\" are larger than %d MiB together. Keep locals in a few files of their own.", maxLocalsSize>>20))}
		}
		parsed[i] = l.parse(src)
		if parsed[i].body != nil {
			shared.add(src, parsed[i])
		}
	}
	return parsed, nil
}

// parse returns the body of a file, or none when it has a syntax error: what is
// left of such a file says little, and guesses would hide the real problem.
func (l *loader) parse(src *source) parsedFile {
	if d := inspect(src); d != nil {
		return parsedFile{diags: Diagnostics{*d}}
	}
	file, diags := hclsyntax.ParseConfig(src.text, src.name, hcl.InitialPos)
	if diags.HasErrors() {
		return parsedFile{diags: syntax(src, diags)}
	}
	parsed := parsedFile{file.Body.(*hclsyntax.Body), &meter{shared: l.spent}, syntax(src, diags)}
	if n := parsed.meter.body(parsed.body); n > maxBlocks {
		d := fileProblem(src.name, "too many blocks", fmt.Sprintf("This file has %d blocks; at most %d are read.", n, maxBlocks))
		d.Pos.Line, d.Pos.Column = 1, 1
		return parsedFile{diags: Diagnostics{d}}
	}
	return parsed
}

// loader holds what the files of one Load share; nothing in it changes while
// they are read.
type loader struct {
	ctx      *hcl.EvalContext
	profiles map[string]Profile // a broken one has no name
	ranges   []special
	rules    map[string]requirement
	packs    map[string][]Pack
	lookup   func(site string) secret.Lookup
	looked   *lookups
	spent    *budget
}

// of is the loader with what one file has of its own.
func (l loader) of(m *meter) *loader {
	l.ctx = m.context(l.ctx)
	return &l
}

func loadFile(src *source, file parsedFile, l *loader) result {
	if file.body == nil && file.diags == nil && !l.spent.over() {
		file = l.parse(src)
	}
	res := result{diags: file.diags}
	if file.body == nil {
		return res
	}
	l = l.of(file.meter)
	var raw rawFile
	body := dynblock.Expand(file.body, l.ctx, dynblock.OptCheckForEach(boundForEach()))
	decoded := fromHCL(src, gohcl.DecodeBody(body, l.ctx, &raw))
	res.diags = append(res.diags, decoded...)
	for i := range raw.Sites {
		c := newConverter(src, l)
		c.decoded = decoded
		s := c.site(&raw.Sites[i])
		res.diags = append(res.diags, c.diags...)
		res.vague = append(res.vague, c.vague...)
		if !c.broken && !c.diags.HasErrors() && !decoded.HasErrors() {
			res.sites = append(res.sites, s)
		}
	}
	return res
}

// maxBlocks bounds the blocks of one file, and what its dynamic blocks may make,
// since they nest.
const maxBlocks = 10_000

func boundForEach() func(cty.Value, hcl.Expression, *hcl.EvalContext) hcl.Diagnostics {
	room := maxBlocks
	return func(each cty.Value, expr hcl.Expression, _ *hcl.EvalContext) hcl.Diagnostics {
		bare, from := originsOf(each)
		problem := func(detail string) hcl.Diagnostics {
			at := expr.Range()
			return hcl.Diagnostics{{Severity: hcl.DiagError, Summary: "Invalid dynamic for_each value", Detail: detail, Subject: &at}}
		}
		_, marks := each.Unmark()
		switch refs := referencesAmong(marks); {
		case len(refs) > 0:
			return problem(fmt.Sprintf("The blocks of a site are printed, so their number may not depend on %s.", refs[0].source()))
		case len(from) > 0:
			return problem(fmt.Sprintf("The blocks of a site are printed. Where %s is no secret, write nonsensitive(...) around it.", from[0].source))
		case !bare.IsWhollyKnown():
			return problem("This value has a problem of its own, which is reported where it is declared.")
		case !bare.IsNull() && bare.CanIterateElements():
			if room -= bare.LengthInt(); room < 0 {
				return problem(fmt.Sprintf("The dynamic blocks of this file make more than %d blocks.", maxBlocks))
			}
		}
		return nil
	}
}

// uniqueNames sorts the sites and reports those that share a name.
func uniqueNames(sites []*Site) ([]*Site, Diagnostics) {
	slices.SortStableFunc(sites, func(a, b *Site) int { return strings.Compare(a.Name, b.Name) })
	var diags Diagnostics
	var unique []*Site
	for i, s := range sites {
		if i > 0 && sites[i-1].Name == s.Name {
			first := sites[i-1]
			diags = append(diags, Diagnostic{
				Severity: Error, Rule: "site-unique", Summary: "site declared twice", Pos: s.Pos, Source: s.spots["site"].line,
				Detail: fmt.Sprintf("Site %q is already declared at %s:%d. Give one of them another name.", s.Name, first.Pos.File, first.Pos.Line),
			})
			continue
		}
		unique = append(unique, s)
	}
	return unique, diags
}

// tidy sorts and drops repetitions, which dynamic blocks make.
func tidy(diags Diagnostics) Diagnostics {
	slices.SortStableFunc(diags, compareDiagnostics)
	return slices.Compact(diags)
}
