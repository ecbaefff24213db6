//! `/v2/images/{image_id}/members` and one of them.

use http::StatusCode;
use serde_json::{Value, json};

use super::reply::Reply;
use super::request::Request;
use super::view;
use crate::error::Error;
use crate::images::members::{self, MemberStatus};

/// Lists the members of an image.
pub async fn list(request: Request) -> Result<Reply, Error> {
    request.body.refuse()?;
    let found = members::list(&request.app, &request.context, request.param("image_id")).await?;
    let documents: Vec<Value> = found.iter().map(view::member).collect();
    Ok(Reply::json(StatusCode::OK, &json!({"members": documents, "schema": "/v2/schemas/members"})))
}

/// Offers an image to a project.
pub async fn create(request: Request) -> Result<Reply, Error> {
    let id = request.param("image_id").to_owned();
    let Request { app, context, body, .. } = request;
    let member = new_member(&body.json().await?)?;
    let created = members::create(&app, &context, &id, &member).await?;
    Ok(Reply::json(StatusCode::OK, &view::member(&created)))
}

/// Shows one member of an image.
pub async fn show(request: Request) -> Result<Reply, Error> {
    request.body.refuse()?;
    let (id, member) = (request.param("image_id"), request.param("member_id"));
    let found = members::show(&request.app, &request.context, id, member).await?;
    Ok(Reply::json(StatusCode::OK, &view::member(&found)))
}

/// Accepts or rejects the offer of an image.
pub async fn update(request: Request) -> Result<Reply, Error> {
    let (id, member) = (request.param("image_id").to_owned(), request.param("member_id").to_owned());
    let Request { app, context, body, .. } = request;
    let status = new_status(&body.json().await?)?;
    let updated = members::update(&app, &context, &id, &member, status).await?;
    Ok(Reply::json(StatusCode::OK, &view::member(&updated)))
}

/// Takes back the offer of an image.
pub async fn delete(request: Request) -> Result<Reply, Error> {
    request.body.refuse()?;
    let (id, member) = (request.param("image_id"), request.param("member_id"));
    members::delete(&request.app, &request.context, id, member).await?;
    Ok(Reply::no_content())
}

/// `{"member": "<project id>"}`; a number has always been taken for its digits.
fn new_member(document: &Value) -> Result<String, Error> {
    let bad = |text: &str| Err(Error::BadRequest(text.to_owned()));
    let Value::Object(document) = document else {
        return bad("Expected a member in the form: {\"member\": \"project_id\"}");
    };
    match document.get("member") {
        None => bad("Member to be added not specified"),
        Some(Value::String(member)) if !member.is_empty() => Ok(member.clone()),
        Some(Value::Number(number)) if number.is_u64() && number.as_u64() != Some(0) => {
            Ok(number.to_string())
        }
        Some(Value::String(_) | Value::Null) => bad("Member can't be empty"),
        Some(_) => bad("The member must be the id of a project."),
    }
}

/// `{"status": "accepted"}`; `None` for a word that no member may answer, which is refused after the rights.
fn new_status(document: &Value) -> Result<Option<MemberStatus>, Error> {
    let Value::Object(document) = document else {
        return Err(Error::BadRequest("Expected a status in the form: {\"status\": \"status\"}".to_owned()));
    };
    let status =
        document.get("status").ok_or_else(|| Error::BadRequest("Status not specified".to_owned()))?;
    Ok(status.as_str().and_then(MemberStatus::parse))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_is_a_text_or_a_number() {
        assert_eq!(new_member(&json!({"member": "demo"})).ok().as_deref(), Some("demo"));
        assert_eq!(new_member(&json!({"member": 17})).ok().as_deref(), Some("17"));
        for bad in [
            json!([]),
            json!("demo"),
            json!({}),
            json!({"member": ""}),
            json!({"member": null}),
            json!({"member": 0}),
            json!({"member": ["demo"]}),
            json!({"member": {"id": "demo"}}),
        ] {
            assert!(matches!(new_member(&bad), Err(Error::BadRequest(_))), "{bad}");
        }
    }

    #[test]
    fn a_status_that_is_no_answer_is_kept_for_later() {
        assert_eq!(new_status(&json!({"status": "accepted"})).ok(), Some(Some(MemberStatus::Accepted)));
        assert_eq!(new_status(&json!({"status": "maybe"})).ok(), Some(None));
        assert_eq!(new_status(&json!({"status": ["accepted"]})).ok(), Some(None));
        assert!(matches!(new_status(&json!({})), Err(Error::BadRequest(_))));
        assert!(matches!(new_status(&json!(["accepted"])), Err(Error::BadRequest(_))));
    }
}
