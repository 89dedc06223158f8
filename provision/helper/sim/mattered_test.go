package sim_test

// mattered are the mutants that would have done something else since it was
// asked last. Only the program that TestMutants builds has any.
func mattered() map[int]bool { return nil }
