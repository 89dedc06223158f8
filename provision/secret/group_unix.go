//go:build unix

package secret

import (
	"os/exec"
	"syscall"
)

// inGroup starts a program in a process group of its own, and ends the group
// with it: a child that is left behind would go on holding what it was given.
func inGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}
