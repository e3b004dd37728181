//! Money leaving to the worker through a rail.

text_enum! {
    /// `sending`: the order may or may not have reached the bank; only the bank can tell.
    PayoutState {
        Requested = "requested", Approved = "approved", Sending = "sending", Sent = "sent",
        Settled = "settled", Returned = "returned"
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PayoutMove {
    Approve,
    Send,
    Accepted,
    Settle,
    Return,
}

impl PayoutMove {
    pub const ALL: &'static [PayoutMove] =
        &[PayoutMove::Approve, PayoutMove::Send, PayoutMove::Accepted, PayoutMove::Settle, PayoutMove::Return];
}

impl PayoutState {
    pub fn next(self, step: PayoutMove) -> Option<PayoutState> {
        use PayoutMove as M;
        use PayoutState::*;
        match (self, step) {
            (Requested, M::Approve) => Some(Approved),
            (Approved, M::Send) => Some(Sending),
            (Sending, M::Accepted) => Some(Sent),
            (Sent, M::Settle) => Some(Settled),
            (Sent, M::Return) => Some(Returned),
            _ => None,
        }
    }
}
