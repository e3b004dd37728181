//! The states of a piece of work that nobody waits for.

text_enum! {
    JobState { Ready = "ready", Running = "running", Done = "done", Failed = "failed" }
}
