package simbmc

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// keeping is what a settings object shows while nothing waits in it.
type keeping string

const (
	keepsAll     keeping = "all"     // the same as its resource (XCC 1.40, X13 11.01)
	keepsWaiting keeping = "waiting" // nothing (iDRAC9 7.10, BlueField 23.10)
)

// settings makes of a resource a settings object: what is written to it is in
// effect once the server has been reset (DSP0266 clause 9.10).
type settings struct {
	of    string // the resource whose settings they are
	part  string // the property that holds them: "Boot" or "Attributes"
	keeps keeping
	job   string // the task of what waits, where writes make one; "" is none
	jobs  bool   // writes make one
}

const clearPending = "/Actions/Oem/DellManager.ClearPending"

// stageBoot moves the boot order of a system to a settings object.
func (b *BMC) stageBoot(of, at string, keeps keeping) *resource {
	sys := b.tree[of]
	order := clone(list(obj(sys.doc["Boot"])["BootOrder"])).([]any)
	r := sys.rules.and(rules{})
	r["Boot"] = nested(bootRules(nil))
	sys.rules = r
	return b.stageSettings(at, "ComputerSystem.v1_17_0.ComputerSystem", object{"Boot": object{"BootOrder": order}},
		rules{"Boot": nested(rules{"BootOrder": sameWords(order)})}, settings{of: of, part: "Boot", keeps: keeps})
}

// stageBIOS gives the attributes of a BIOS a settings object. values are what
// one of them may be; others may be anything of their type.
func (b *BMC) stageBIOS(of, at string, keeps keeping, values map[string]rule) *resource {
	attributes := obj(b.tree[of].doc["Attributes"])
	r := rules{}
	for name, v := range attributes {
		switch v.(type) {
		case string:
			r[name] = text
		case float64:
			r[name] = integer
		case bool:
			r[name] = boolean
		}
	}
	maps.Copy(r, values)
	return b.stageSettings(at, "Bios.v1_2_0.Bios", object{"Attributes": clone(attributes)},
		rules{"Attributes": nested(r)}, settings{of: of, part: "Attributes", keeps: keeps})
}

func (b *BMC) stageSettings(at, kind string, doc object, r rules, s settings) *resource {
	r["@Redfish.SettingsApplyTime"] = nested(rules{"ApplyTime": oneOf("OnReset")})
	b.tree[s.of].doc["@Redfish.Settings"] = object{
		"@odata.type": "#Settings.v1_3_3.Settings", "SettingsObject": link(at), "SupportedApplyTimes": []any{"OnReset"},
	}
	res := b.add(at, kind, doc, r)
	res.settings = &s
	res.after = func(object) { delete(res.doc, "@Redfish.SettingsApplyTime") }
	b.nothingWaits(res)
	return res
}

// withJobs makes each write a job that ends with the reset.
func (r *resource) withJobs() *resource {
	r.settings.jobs = true
	return r
}

func (r *resource) clearable(at string) {
	r.doc["Actions"] = object{"Oem": object{"DellManager.v1_0_0#DellManager.ClearPending": object{"target": at + clearPending}}}
}

// nothingWaits is a settings object after the reset.
func (b *BMC) nothingWaits(res *resource) {
	s := res.settings
	switch {
	case s.keeps == keepsAll && s.part == "Boot":
		obj(res.doc["Boot"])["BootOrder"] = clone(obj(b.tree[s.of].doc["Boot"])["BootOrder"])
	case s.keeps == keepsAll:
		res.doc[s.part] = clone(b.tree[s.of].doc[s.part])
	case s.part == "Boot":
		res.doc["Boot"] = object{"BootOrder": []any{}}
	default:
		res.doc[s.part] = object{}
	}
}

// staging refuses a write to a settings object while a job waits, whichever object
// that one is of: boot order and BIOS attributes are one target of iDRAC's jobs,
// BIOS.Setup.1-1, and SYS011 says that what waits for it is committed already.
func (b *BMC) staging(res *resource) (reply, bool) {
	if res.settings == nil {
		return reply{}, false
	}
	for _, other := range b.tree {
		if other.settings != nil && other.settings.job != "" {
			return refuse(http.StatusBadRequest, refusal("IDRAC.2.8.SYS011")), true
		}
	}
	return reply{}, false
}

// Stage puts values into a settings object with no job, as a write without an apply
// time does on an iDRAC: no reset carries them out.
func (b *BMC) Stage(at string, values map[string]any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	res := b.tree[at]
	maps.Copy(obj(res.doc[res.settings.part]), values)
}

// startJob answers a write to a settings object with the job of it.
func (b *BMC) startJob(res *resource) reply {
	b.serial++
	path := b.jobsPath() + "/JID_" + strconv.Itoa(b.serial)
	b.add(path, "DellJob.v1_5_0.DellJob", object{
		"JobState": "Scheduled", "JobType": "BIOSConfiguration", "PercentComplete": 0, "Message": "Task successfully scheduled.",
	}, nil)
	res.settings.job = path
	b.listJobs()
	return reply{status: http.StatusAccepted, header: http.Header{"Location": {path}}}
}

func (b *BMC) jobsPath() string { return b.who.manager + "/Oem/Dell/Jobs" }

func (b *BMC) listJobs() {
	var members []string
	for _, p := range slices.Sorted(maps.Keys(b.tree)) {
		if strings.HasPrefix(p, b.jobsPath()+"/") {
			members = append(members, p)
		}
	}
	b.collect(b.jobsPath(), "DellJobCollection", members...)
}

// deleteJob answers a DELETE of a job: what waits for it is withdrawn.
func (b *BMC) deleteJob(path string) reply {
	if b.tree[path] == nil {
		return refuse(http.StatusNotFound, refusal("ResourceMissingAtURI", path))
	}
	for _, res := range b.tree {
		if res.settings != nil && res.settings.job == path {
			res.settings.job = ""
			b.nothingWaits(res)
		}
	}
	delete(b.tree, path)
	b.listJobs()
	return reply{status: http.StatusOK, body: object{}}
}

// clearSettings answers ClearPending, which is for what no job has taken yet.
func (b *BMC) clearSettings(path string) reply {
	res := b.tree[path]
	switch {
	case res == nil || res.settings == nil || !res.settings.jobs:
		return refuse(http.StatusMethodNotAllowed, refusal("OperationNotAllowed"))
	case res.settings.job != "":
		return refuse(http.StatusBadRequest, refusal("IDRAC.2.8.SYS011"))
	}
	b.nothingWaits(res)
	return reply{status: http.StatusOK, body: object{}}
}

// startUp is the server's firmware, which reads the settings that wait for it.
func (b *BMC) startUp() {
	for _, p := range slices.Sorted(maps.Keys(b.tree)) {
		res := b.tree[p]
		if res.settings == nil {
			continue
		}
		s, target := res.settings, b.tree[res.settings.of]
		if s.jobs && s.job == "" {
			continue // nobody has asked for it
		}
		end, said := "Completed", []any{}
		if b.faults.SettingsFail {
			end, said = "Failed", []any{refusal("SettingsFailed").object()}
		} else {
			maps.Copy(obj(target.doc[s.part]), waiting(obj(res.doc[s.part])))
		}
		if job := b.tree[s.job]; job != nil {
			job.doc["JobState"], job.doc["PercentComplete"] = end, 100
		}
		obj(target.doc["@Redfish.Settings"])["Messages"] = said
		s.job = ""
		b.nothingWaits(res)
	}
}

// waiting are the properties of a settings object that say anything.
func waiting(all object) object {
	out := object{}
	for k, v := range all {
		if l, isList := v.([]any); isList && len(l) == 0 || v == nil {
			continue
		}
		out[k] = clone(v)
	}
	return out
}

// stageSaved makes settings objects of those that a saved tree has for its
// system and its BIOS: what they show tells what they keep.
func (b *BMC) stageSaved() {
	for _, p := range slices.Sorted(maps.Keys(b.tree)) {
		res := b.tree[p]
		at := clean(str(obj(obj(res.doc["@Redfish.Settings"])["SettingsObject"])["@odata.id"]))
		saved := b.tree[at]
		if saved == nil || saved == res || saved.settings != nil {
			continue
		}
		times := obj(res.doc["@Redfish.Settings"])["SupportedApplyTimes"]
		var staged *resource
		switch kind(res.doc) {
		case "ComputerSystem":
			if obj(res.doc["Boot"]) == nil || res.rules == nil {
				continue
			}
			staged = b.stageBoot(p, at, keepsOf(list(obj(saved.doc["Boot"])["BootOrder"])))
		case "Bios":
			staged = b.stageBIOS(p, at, keepsOf(obj(saved.doc["Attributes"])), nil)
		default:
			continue
		}
		obj(res.doc["@Redfish.Settings"])["SupportedApplyTimes"] = times
		for name, v := range saved.doc {
			if name != staged.settings.part {
				staged.doc[name] = v
			}
		}
		staged.settings.jobs = b.who.jobs
	}
	if b.who.jobs {
		b.listJobs()
	}
}

// keepsOf tells what a settings object keeps by what it has saved.
func keepsOf[T []any | object](saved T) keeping {
	if len(saved) == 0 {
		return keepsWaiting
	}
	return keepsAll
}

// sameWords is a list of the same words in any order.
func sameWords(have []any) rule {
	sorted := func(l []any) []string {
		var out []string
		for _, e := range l {
			out = append(out, str(e))
		}
		slices.Sort(out)
		return out
	}
	return func(_, want any) (any, message) {
		w, ok := want.([]any)
		if !ok || !slices.Equal(sorted(w), sorted(have)) {
			return nil, refusal("PropertyValueIncorrect")
		}
		return clone(w), message{}
	}
}

func isClearPending(path string) (string, bool) { return strings.CutSuffix(path, clearPending) }
