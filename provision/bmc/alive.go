package bmc

import (
	"context"
	"errors"
	"fmt"
)

// Alive shows with one fresh request that the controller still answers this
// session: a BMC that was read minutes ago is no way in that was proven now.
func (c *Controller) Alive(ctx context.Context) error {
	err := c.look(ctx)
	if errors.Is(err, errStale) {
		c.forget()
		err = c.look(ctx)
	}
	if err != nil {
		return fmt.Errorf("reach bmc at %s: %w", c.session.At.Address, err)
	}
	return nil
}

func (c *Controller) look(ctx context.Context) error {
	c.refresh()
	if err := c.survey(ctx); err != nil {
		return err
	}
	_, err := c.load(ctx, inManager)
	return err
}
