//! A person about themselves.

use crate::access::{Person, Worker};
use crate::ops;
use crate::ops::me::ProfileChange;
use crate::web::body::Changed;
use crate::web::gate::{Answer, Gate};

pub async fn get_me(gate: Gate<Person>) -> Answer {
    let profile = gate.run(ops::me::get_me).await?;
    gate.versioned(profile.version, &profile)
}

pub async fn update_me(gate: Gate<Person>, asked: Changed<ProfileChange>) -> Answer {
    let profile = gate.run(move |cx, who| ops::me::update_me(cx, who, asked.version, &asked.body)).await?;
    gate.versioned(profile.version, &profile)
}

pub async fn get_standing(gate: Gate<Worker>) -> Answer {
    gate.ok(&gate.run(ops::me::get_standing).await?)
}
