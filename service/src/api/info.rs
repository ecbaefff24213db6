//! `/v2/info/…`: what this service can do, and how much of it is used.

use http::StatusCode;
use serde_json::{Map, Value, json};

use super::reply::Reply;
use super::request::Request;
use crate::error::Error;
use crate::images::stores::{self, Details};
use crate::quota;

/// Shows the import methods that are switched on.
pub async fn import(request: Request) -> Result<Reply, Error> {
    request.body.refuse()?;
    let methods = json!({
        "description": "The methods by which data can be imported.",
        "type": "array",
        "value": request.app.images.import_methods,
    });
    Ok(Reply::json(StatusCode::OK, &json!({ "import-methods": methods })))
}

/// Shows the stores that data can be put into.
pub async fn stores(request: Request) -> Result<Reply, Error> {
    request.body.refuse()?;
    let stores = stores::list(&request.app)?;
    let documents: Vec<Value> = stores.iter().map(|store| Value::Object(store_document(store))).collect();
    Ok(Reply::json(StatusCode::OK, &json!({ "stores": documents })))
}

/// Shows the stores with what only administrators should know of them.
pub async fn stores_detail(request: Request) -> Result<Reply, Error> {
    request.body.refuse()?;
    let stores = stores::list_detailed(&request.app, &request.context)?;
    let documents = stores.iter().map(|store| {
        let mut document = store_document(store);
        document.insert("type".to_owned(), json!(store.kind));
        document.insert("properties".to_owned(), Value::Object(store.properties.clone()));
        document.insert("weight".to_owned(), json!(store.weight));
        Value::Object(document)
    });
    Ok(Reply::json(StatusCode::OK, &json!({"stores": documents.collect::<Vec<_>>()})))
}

/// Truth is written as a text here, and falsehood by leaving the key out.
fn store_document(store: &Details) -> Map<String, Value> {
    let mut document = Map::new();
    document.insert("id".to_owned(), json!(store.id));
    if let Some(description) = &store.description {
        document.insert("description".to_owned(), json!(description));
    }
    for (key, holds) in [("default", store.is_default), ("read-only", store.read_only)] {
        if holds {
            document.insert(key.to_owned(), json!("true"));
        }
    }
    document
}

/// Shows what the caller's project uses of its limits.
pub async fn usage(request: Request) -> Result<Reply, Error> {
    request.body.refuse()?;
    let limits = quota::usage(&request.app, &request.context).await?;
    let usage: Map<String, Value> = limits
        .into_iter()
        .map(|limit| (limit.name.to_owned(), json!({"usage": limit.usage, "limit": limit.limit})))
        .collect();
    Ok(Reply::json(StatusCode::OK, &json!({ "usage": usage })))
}
