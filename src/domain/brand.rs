//! A paying organisation and what its people may do.

text_enum! {
    /// Each role may do what the ones before it may: see, edit, and (owner) publish, close and manage members.
    BrandRole { Viewer = "viewer", Editor = "editor", Owner = "owner" }
}
