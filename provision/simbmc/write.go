package simbmc

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

func sortedKeys(o object) []string { return slices.Sorted(maps.Keys(o)) }

// patch answers a PATCH. The lock is held.
func (b *BMC) patch(r *http.Request, path string, body []byte) reply {
	res, ok := b.tree[path]
	if !ok || slices.Contains(b.faults.Missing, path) {
		return refuse(http.StatusNotFound, refusal("ResourceMissingAtURI", path))
	}
	if res.rules == nil {
		out := refuse(http.StatusMethodNotAllowed, refusal("OperationNotAllowed"))
		out.header = http.Header{"Allow": {"GET"}}
		return out
	}
	if status := b.precondition(res, r.Header.Get("If-Match")); status == 412 {
		return refuse(status, refusal("PreconditionFailed"))
	} else if status != 0 {
		return refuse(status, refusal("PreconditionRequired"))
	}
	var want object
	if json.Unmarshal(body, &want) != nil {
		return refuse(http.StatusBadRequest, refusal("MalformedJSON"))
	}
	if len(want) == 0 {
		return refuse(http.StatusBadRequest, refusal("EmptyJSON"))
	}
	if r, busy := b.staging(res); busy {
		return r
	}
	have, refused := b.writable(res).apply(res.doc, want)
	makesJob := res.settings != nil && res.settings.jobs // of all that is asked, or of nothing
	if len(refused) > 0 && (makesJob || !b.faults.Partial && !b.who.partial) {
		return refuse(http.StatusBadRequest, refused...)
	}
	if !b.faults.Ignore {
		was := res.doc
		res.doc = have
		if res.after != nil {
			res.after(was)
		}
		b.settle()
	}
	if res.network {
		b.networkChanged()
		if b.faults.LoseAnswer {
			return reply{cut: true}
		}
	}
	switch {
	case makesJob:
		return b.startJob(res)
	case b.faults.Task != "":
		return b.startTask()
	}
	return b.accepted(res, refused)
}

// writable returns the rules of a resource without those a fault takes away.
func (b *BMC) writable(res *resource) rules {
	if len(b.faults.ReadOnly) == 0 {
		return res.rules
	}
	out := maps.Clone(res.rules)
	for _, name := range b.faults.ReadOnly {
		delete(out, name)
	}
	return out
}

// accepted is the answer to a PATCH that changed something.
func (b *BMC) accepted(res *resource, refused []message) reply {
	infos := []any{}
	for _, m := range refused {
		infos = append(infos, m.object())
	}
	switch {
	case len(refused) > 0 && b.who.annotate:
		// Beside each property, as OpenBMC and AMI do.
		doc := obj(clone(res.doc))
		for i, m := range refused {
			name, _, _ := strings.Cut(m.property, "/")
			doc[name+"@Message.ExtendedInfo"] = []any{infos[i]}
		}
		return reply{status: http.StatusOK, body: doc}
	case len(refused) > 0:
		return reply{status: http.StatusOK, body: object{"@Message.ExtendedInfo": infos}}
	case b.pending && b.who.resetMessage != "":
		m := message{id: b.who.resetMessage}
		return reply{status: http.StatusOK, body: object{"error": object{
			"code": "iLO.0.10.ExtendedInfo", "message": "See @Message.ExtendedInfo for more information.",
			"@Message.ExtendedInfo": []any{m.object()},
		}}}
	case b.who.success == http.StatusOK:
		return reply{status: http.StatusOK, body: obj(clone(res.doc))}
	}
	return reply{status: http.StatusNoContent}
}

// startTask answers 202 with a task, as DSP0266 clause 12.2 has it.
func (b *BMC) startTask() reply {
	b.serial++
	path := taskPath + "/" + strconv.Itoa(b.serial)
	b.add(path, "Task.v1_4_3.Task", object{"TaskState": "Running", "polls": b.faults.TaskPolls, "end": b.faults.Task}, nil)
	return reply{status: http.StatusAccepted, header: http.Header{"Location": {path}, "Retry-After": {"0"}}, body: b.taskBody(path)}
}

func (b *BMC) taskBody(path string) object {
	doc := obj(clone(b.tree[path].doc))
	delete(doc, "polls")
	delete(doc, "end")
	return doc
}

func (b *BMC) taskReply(path string) reply {
	res, ok := b.tree[path]
	if !ok {
		return refuse(http.StatusNotFound, refusal("ResourceMissingAtURI", path))
	}
	left, polled := res.doc["polls"].(int)
	if !polled { // it ends with a reset of the server
		return reply{status: http.StatusOK, body: obj(clone(res.doc))}
	}
	if left > 0 {
		res.doc["polls"] = left - 1
		return reply{status: http.StatusOK, body: b.taskBody(path), header: http.Header{"Retry-After": {"0"}}}
	}
	end := str(res.doc["end"])
	res.doc["TaskState"] = end
	status := "OK"
	if end != "Completed" {
		status = "Critical"
		res.doc["Messages"] = []any{refusal("InternalError").object()}
	}
	res.doc["TaskStatus"] = status
	return reply{status: http.StatusOK, body: b.taskBody(path)}
}

// post answers a POST other than a login.
func (b *BMC) post(path string, body []byte) reply {
	var in object
	if len(body) > 0 && json.Unmarshal(body, &in) != nil {
		return refuse(http.StatusBadRequest, refusal("MalformedJSON"))
	}
	cleared, clears := isClearPending(path)
	switch {
	case clears:
		return b.clearSettings(cleared)
	case strings.HasSuffix(path, importAction) && b.tree[strings.TrimSuffix(path, importAction)] != nil:
		return b.importHPE(in)
	case path == accountsPath:
		return b.createAccount(in)
	case path == certificatesPath+replaceAction && b.who.certificates && b.tree[certificatesPath] != nil:
		return b.replaceCertificate(in)
	case strings.HasSuffix(path, systemReset):
		return b.resetSystem(strings.TrimSuffix(path, systemReset), str(in["ResetType"]))
	case path == b.who.manager+"/Actions/Manager.Reset":
		b.count.Resets++
		b.showCertificate()
		clear(b.sessions)
		if obj(b.at(b.who.manager + "/NetworkProtocol")["HTTP"])["ProtocolEnabled"] == false && b.who.oneSwitch {
			b.away = time.Now().Add(24 * time.Hour) // HTTPS went with it, and nobody closed the door behind
		}
		if b.pending {
			b.setPending(false)
			b.schedule()
		}
		return reply{status: http.StatusNoContent}
	}
	return refuse(http.StatusMethodNotAllowed, refusal("OperationNotAllowed"))
}
