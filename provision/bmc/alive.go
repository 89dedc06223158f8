package bmc

import (
	"context"
	"fmt"
)

// Alive shows with one fresh request that the controller still answers this
// session: a BMC that was read minutes ago is no way in that was proven now.
func (c *Controller) Alive(ctx context.Context) error {
	if err := c.survey(ctx); err != nil {
		return fmt.Errorf("reach bmc at %s: %w", c.at.Address, err)
	}
	if _, err := c.get(ctx, c.where.links[inManager]); err != nil {
		return fmt.Errorf("reach bmc at %s: %w", c.at.Address, err)
	}
	return nil
}
