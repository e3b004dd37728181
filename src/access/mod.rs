//! Who may. A pass is proof of a role: its fields are private, only this room makes one, and operations ask for it in
//! their signatures. No database, no HTTP.

pub mod password;
pub mod scope;
pub mod token;
pub mod totp;
pub mod vault;

use crate::domain::brand::BrandRole;
use crate::domain::event::Actor;
use crate::domain::ids::{BrandId, SessionId, UserId};
use crate::domain::refusal::{Code, Refusal};
use crate::domain::user::{StaffRole, UserKind};

/// What a valid access token says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Identity {
    pub user: UserId,
    pub session: SessionId,
    pub kind: UserKind,
    pub staff_role: Option<StaffRole>,
    pub brand: Option<(BrandId, BrandRole)>,
}

/// Proof of a role, made from an identity.
pub trait Pass: Sized + Send + Sync + Clone + 'static {
    /// As the policy table prints it.
    const ROLE: &'static str;
    fn admit(identity: Option<&Identity>) -> Result<Self, Refusal>;
    fn actor(&self) -> Actor;
}

fn signed_in(identity: Option<&Identity>) -> Result<&Identity, Refusal> {
    identity.ok_or_else(|| Refusal::new(Code::Unauthenticated, "The request carries no valid access token."))
}

fn refused(role: &str) -> Refusal {
    Refusal::new(Code::Forbidden, format!("This takes the role {role}."))
}

/// Nobody in particular: registering, signing in, reading public pages.
#[derive(Clone, Debug)]
pub struct Anyone(());

impl Pass for Anyone {
    const ROLE: &'static str = "anyone";
    fn admit(_: Option<&Identity>) -> Result<Anyone, Refusal> {
        Ok(Anyone(()))
    }
    fn actor(&self) -> Actor {
        Actor::Anyone
    }
}

/// Any signed-in person, of whatever kind.
#[derive(Clone, Debug)]
pub struct Person {
    identity: Identity,
}

impl Person {
    pub fn user(&self) -> &UserId {
        &self.identity.user
    }

    pub fn session(&self) -> &SessionId {
        &self.identity.session
    }
}

impl Pass for Person {
    const ROLE: &'static str = "person";
    fn admit(identity: Option<&Identity>) -> Result<Person, Refusal> {
        Ok(Person { identity: signed_in(identity)?.clone() })
    }
    fn actor(&self) -> Actor {
        actor_of(&self.identity)
    }
}

fn actor_of(identity: &Identity) -> Actor {
    match identity.kind {
        UserKind::Worker => Actor::Worker(identity.user.clone()),
        UserKind::Brand => Actor::Brand(identity.user.clone()),
        UserKind::Staff => Actor::Staff(identity.user.clone()),
    }
}

/// A field worker.
#[derive(Clone, Debug)]
pub struct Worker {
    user: UserId,
}

impl Worker {
    pub fn user(&self) -> &UserId {
        &self.user
    }
}

impl Pass for Worker {
    const ROLE: &'static str = "worker";
    fn admit(identity: Option<&Identity>) -> Result<Worker, Refusal> {
        let identity = signed_in(identity)?;
        match identity.kind {
            UserKind::Worker => Ok(Worker { user: identity.user.clone() }),
            _ => Err(refused("worker")),
        }
    }
    fn actor(&self) -> Actor {
        Actor::Worker(self.user.clone())
    }
}

macro_rules! brand_pass {
    ($name:ident, $least:expr, $role:literal, $doc:literal) => {
        #[doc = $doc]
        #[derive(Clone, Debug)]
        pub struct $name {
            user: UserId,
            brand: BrandId,
        }

        impl $name {
            pub fn user(&self) -> &UserId {
                &self.user
            }
            pub fn brand(&self) -> &BrandId {
                &self.brand
            }
        }

        impl Pass for $name {
            const ROLE: &'static str = $role;
            fn admit(identity: Option<&Identity>) -> Result<$name, Refusal> {
                let identity = signed_in(identity)?;
                match &identity.brand {
                    Some((brand, role)) if identity.kind == UserKind::Brand && *role >= $least => {
                        Ok($name { user: identity.user.clone(), brand: brand.clone() })
                    }
                    _ => Err(refused($role)),
                }
            }
            fn actor(&self) -> Actor {
                Actor::Brand(self.user.clone())
            }
        }
    };
}

brand_pass!(BrandViewer, BrandRole::Viewer, "brand viewer", "Any member of a brand.");
brand_pass!(BrandEditor, BrandRole::Editor, "brand editor", "A member who may write drafts, stores and products.");
brand_pass!(
    BrandOwner,
    BrandRole::Owner,
    "brand owner",
    "A member who may spend the brand's money and manage members."
);

macro_rules! staff_pass {
    ($name:ident, [$($role:ident),+], $text:literal, $doc:literal) => {
        #[doc = $doc]
        #[derive(Clone, Debug)]
        pub struct $name {
            user: UserId,
        }

        impl $name {
            pub fn user(&self) -> &UserId {
                &self.user
            }
        }

        impl Pass for $name {
            const ROLE: &'static str = $text;
            fn admit(identity: Option<&Identity>) -> Result<$name, Refusal> {
                let identity = signed_in(identity)?;
                match (identity.kind, identity.staff_role) {
                    (UserKind::Staff, Some($(StaffRole::$role)|+)) => Ok($name { user: identity.user.clone() }),
                    _ => Err(refused($text)),
                }
            }
            fn actor(&self) -> Actor {
                Actor::Staff(self.user.clone())
            }
        }
    };
}

staff_pass!(AnyStaff, [Reviewer, Finance, Admin], "staff", "Any member of staff.");
staff_pass!(Reviewer, [Reviewer, Admin], "reviewer", "Decides submissions and appeals.");
staff_pass!(Finance, [Finance, Admin], "finance", "Funds brands and runs payouts.");
staff_pass!(Admin, [Admin], "admin", "Manages brands and people.");

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(kind: UserKind, staff: Option<StaffRole>, brand: Option<BrandRole>) -> Identity {
        Identity {
            user: UserId::from_bits(1),
            session: SessionId::from_bits(2),
            kind,
            staff_role: staff,
            brand: brand.map(|role| (BrandId::from_bits(3), role)),
        }
    }

    #[test]
    fn a_pass_is_given_to_its_role_only() {
        let viewer = identity(UserKind::Brand, None, Some(BrandRole::Viewer));
        assert!(BrandViewer::admit(Some(&viewer)).is_ok());
        assert_eq!(BrandEditor::admit(Some(&viewer)).map_err(|r| r.code).err(), Some(Code::Forbidden));
        assert!(Worker::admit(Some(&viewer)).is_err());
        let admin = identity(UserKind::Staff, Some(StaffRole::Admin), None);
        assert!(Reviewer::admit(Some(&admin)).is_ok() && Finance::admit(Some(&admin)).is_ok());
        let finance = identity(UserKind::Staff, Some(StaffRole::Finance), None);
        assert!(Reviewer::admit(Some(&finance)).is_err() && Admin::admit(Some(&finance)).is_err());
        assert_eq!(Person::admit(None).map_err(|r| r.code).err(), Some(Code::Unauthenticated));
    }
}
