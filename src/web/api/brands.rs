//! Brands and their members.

use crate::access::{Admin, AnyStaff, BrandOwner, BrandViewer};
use crate::domain::ids::{BrandId, UserId};
use crate::ops;
use crate::ops::brands::{NewBrand, NewMember, RoleChange};
use crate::web::body::{Asked, Body, Id, Params};
use crate::web::gate::{Answer, Gate};
use crate::web::page::{self, PageParams};

pub async fn create_brand(gate: Gate<Admin>, asked: Asked<NewBrand>) -> Answer {
    let brand = gate.run(move |cx, who| ops::brands::create_brand(cx, who, &asked.once, &asked.body)).await?;
    gate.created(format!("/v1/admin/brands/{}", brand.id), &brand)
}

pub async fn list_brands(gate: Gate<AnyStaff>, params: Params<PageParams>) -> Answer {
    let (limit, after) = (page::limit(params.0.limit)?, gate.after(params.0.cursor.as_deref())?);
    let brands = gate.run(move |cx, who| ops::brands::list_brands(cx, who, after.as_deref(), limit)).await?;
    gate.page(&brands)
}

pub async fn add_brand_member(gate: Gate<Admin>, id: Id<BrandId>, asked: Asked<NewMember>) -> Answer {
    let add = move |cx: &_, who: &_| ops::brands::add_brand_member(cx, who, &asked.once, &id.0, &asked.body);
    let member = gate.run(add).await?;
    gate.created("/v1/brand/members".to_owned(), &member)
}

pub async fn list_members(gate: Gate<BrandViewer>) -> Answer {
    let members = gate.run(ops::brands::list_members).await?;
    gate.page(&members)
}

pub async fn add_member(gate: Gate<BrandOwner>, asked: Asked<NewMember>) -> Answer {
    let member = gate.run(move |cx, who| ops::brands::add_member(cx, who, &asked.once, &asked.body)).await?;
    gate.created("/v1/brand/members".to_owned(), &member)
}

pub async fn change_member(gate: Gate<BrandOwner>, id: Id<UserId>, asked: Body<RoleChange>) -> Answer {
    let member = gate.run(move |cx, who| ops::brands::change_member(cx, who, &id.0, &asked.0)).await?;
    gate.ok(&member)
}

pub async fn remove_member(gate: Gate<BrandOwner>, id: Id<UserId>) -> Answer {
    gate.run(move |cx, who| ops::brands::remove_member(cx, who, &id.0)).await?;
    gate.nothing()
}
