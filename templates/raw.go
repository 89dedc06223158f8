package templates

import "github.com/hashicorp/hcl/v2"

// The raw structs of component.hcl.

type rawPack struct {
	Component rawComponent `hcl:"component,block"`
}

type rawComponent struct {
	Name      string       `hcl:"name,label"`
	Kind      string       `hcl:"kind"`
	Default   bool         `hcl:"default,optional"`
	Packages  []string     `hcl:"packages,optional"`
	Releases  []rawRelease `hcl:"release,block"`
	Unit      string       `hcl:"unit,optional"`
	Listens   []string     `hcl:"listens,optional"`
	BadZone   string       `hcl:"bad_zone,optional"`
	Anchors   bool         `hcl:"trust_anchors,optional"`
	Files     []rawFile    `hcl:"file,block"`
	Services  []rawService `hcl:"service,block"`
	Options   []rawOption  `hcl:"option,block"`
	Observe   []rawObserve `hcl:"observe,block"`
	Guard     *rawGuard    `hcl:"guard,block"`
	Rehearsal []rawExtra   `hcl:"rehearsal_file,block"`
	Commands  []rawCommand `hcl:"command,block"`
}

type rawRelease struct {
	Name     string   `hcl:"name,label"`
	Packages []string `hcl:"packages"`
}

type rawFile struct {
	Path     string   `hcl:"path,label"`
	Template string   `hcl:"template"`
	Mode     string   `hcl:"mode,optional"`
	Owner    string   `hcl:"owner,optional"`
	Group    string   `hcl:"group,optional"`
	Secret   bool     `hcl:"secret,optional"`
	When     string   `hcl:"when,optional"`
	Each     string   `hcl:"each,optional"`
	Check    []string `hcl:"check,optional"`
	Bad      string   `hcl:"bad,optional"`
	Unit     string   `hcl:"unit,optional"`
	How      string   `hcl:"how,optional"`
	Command  []string `hcl:"command,optional"`
	Effect   string   `hcl:"effect,optional"`

	Running *rawRunning `hcl:"running,block"`

	Range hcl.Range `hcl:",def_range"`
}

type rawRunning struct {
	Syntax   string            `hcl:"syntax,optional"`
	Sysctls  map[string]string `hcl:"sysctls,optional"`
	Shows    []string          `hcl:"shows,optional"`
	Settings map[string]string `hcl:"settings,optional"`
	Loads    []string          `hcl:"loads,optional"`
	Clears   string            `hcl:"clears,optional"`
}

type rawExtra struct {
	Path     string `hcl:"path,label"`
	Template string `hcl:"template"`

	Range hcl.Range `hcl:",def_range"`
}

type rawCommand struct {
	Name string   `hcl:"name,label"`
	Argv []string `hcl:"argv"`
}

type rawService struct {
	Unit string `hcl:"unit,label"`
}

type rawOption struct {
	Name    string         `hcl:"name,label"`
	Default hcl.Expression `hcl:"default"`
	Doc     string         `hcl:"doc"`
}

type rawObserve struct {
	Name    string   `hcl:"name,label"`
	Command []string `hcl:"command"`
	Alive   string   `hcl:"alive,optional"`
	Begin   []string `hcl:"begin,optional"`
	Again   []string `hcl:"again,optional"`
	End     []string `hcl:"end,optional"`
	More    []string `hcl:"more,optional"`
	JSON    *rawJSON `hcl:"json,block"`
}

type rawJSON struct {
	Records string            `hcl:"records"`
	Fields  map[string]string `hcl:"fields"`
}

type rawGuard struct {
	Address string   `hcl:"address,optional"`
	Groups  []string `hcl:"groups"`
}
