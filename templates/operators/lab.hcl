# For trials and courses: nothing is asked for beyond what the language itself
# needs. A site of this operator should say lab = true as well.

profile "lab" {
  title = "Lab"
}
