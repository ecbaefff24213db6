//! The stores as clients see them.

use serde_json::{Map, Value};

use crate::app::App;
use crate::context::Context;
use crate::error::Error;
use crate::policy::{Rule, Target};

/// One store, in words for clients.
#[derive(Debug, Clone, PartialEq)]
pub struct Details {
    pub id: String,
    pub description: Option<String>,
    pub is_default: bool,
    pub read_only: bool,
    /// The driver, by its name in `enabled_backends`.
    pub kind: &'static str,
    pub weight: i64,
    /// What there is to say of a driver of this kind.
    pub properties: Map<String, Value>,
}

/// Every configured store. 404 when stores have no ids that clients see.
pub fn list(app: &App) -> Result<Vec<Details>, Error> {
    if !app.stores.is_multi() {
        return Err(Error::NotFound("Multi backend is not supported at this site.".to_owned()));
    }
    let default = app.stores.default_store().map(|store| store.id.as_str());
    let details = app.stores.iter().map(|store| Details {
        id: store.id.clone(),
        description: store.description.clone(),
        is_default: default == Some(store.id.as_str()),
        read_only: store.read_only,
        kind: store.kind,
        weight: store.weight,
        properties: store.properties.clone(),
    });
    Ok(details.collect())
}

/// The same for those who may know more. That there are no several stores is said to everybody.
pub fn list_detailed(app: &App, ctx: &Context) -> Result<Vec<Details>, Error> {
    let stores = list(app)?;
    app.enforcer.enforce(ctx, Rule::StoresInfoDetail, &Target::new())?;
    Ok(stores)
}
