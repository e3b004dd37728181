//! A shop.

text_enum! {
    StoreState { Open = "open", Paused = "paused", Closed = "closed" }
}
