//! Whose rows a query may see. Made from a pass; queries about a tenant's rows take one, unscoped queries are called
//! `any_..`. Keeps I16.

use super::{BrandEditor, BrandOwner, BrandViewer, Worker};
use crate::domain::ids::{BrandId, UserId};

/// One brand's rows.
#[derive(Clone, Debug)]
pub struct BrandScope(BrandId);

impl BrandScope {
    pub fn brand(&self) -> &BrandId {
        &self.0
    }
}

/// One worker's rows.
#[derive(Clone, Debug)]
pub struct WorkerScope(UserId);

impl WorkerScope {
    pub fn worker(&self) -> &UserId {
        &self.0
    }
}

macro_rules! scopes {
    ($($pass:ident),+) => { $(
        impl From<&$pass> for BrandScope {
            fn from(pass: &$pass) -> BrandScope {
                BrandScope(pass.brand().clone())
            }
        }
    )+ };
}
scopes!(BrandViewer, BrandEditor, BrandOwner);

impl From<&Worker> for WorkerScope {
    fn from(pass: &Worker) -> WorkerScope {
        WorkerScope(pass.user().clone())
    }
}
