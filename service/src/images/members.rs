//! Members: the projects that an image of visibility `shared` is offered to.
//!
//! The owner adds and removes them; each of them answers the offer for itself.

use crate::app::App;
use crate::clock;
use crate::context::Context;
pub use crate::db::members::MemberRecord as Member;
use crate::db::{self, DbError};
use crate::error::Error;
use crate::images::create::within_limit;
use crate::images::{Visible, load, not_found};
use crate::policy::Rule;
use glasshouse_shared::image::Visibility;

/// The longest project id that a row can hold.
const MEMBER_MAX_CHARS: usize = 255;

/// What a member may answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemberStatus {
    Pending,
    Accepted,
    Rejected,
}

impl MemberStatus {
    pub const ALL: &[Self] = &[Self::Pending, Self::Accepted, Self::Rejected];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
        }
    }

    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|status| status.as_str() == word).copied()
    }
}

/// Every member for the owner; a member finds only itself.
pub async fn list(app: &App, ctx: &Context, id: &str) -> Result<Vec<Member>, Error> {
    let visible = load_shared(app, ctx, id).await?;
    visible.enforce(app, ctx, Rule::GetMembers)?;
    if visible.enforce(app, ctx, Rule::GetMember).is_err() {
        return Ok(Vec::new());
    }
    let wanted = id.to_owned();
    let mut members = app.db.read_briefly(move |conn| db::members::list(conn, &wanted)).await?;
    members.retain(|member| may_see(&visible, ctx, &member.member));
    Ok(members)
}

/// One member. Whatever is refused reads as 404: who may not know of a member learns nothing.
pub async fn show(app: &App, ctx: &Context, id: &str, member: &str) -> Result<Member, Error> {
    match find(app, ctx, id, member).await {
        Ok((_, member)) => Ok(member),
        Err(Error::Forbidden(text)) => Err(Error::NotFound(text)),
        Err(other) => Err(other),
    }
}

/// Offers the image to a project, as pending. Whether there is such a project is not asked.
pub async fn create(app: &App, ctx: &Context, id: &str, member: &str) -> Result<Member, Error> {
    let visible = load_shared(app, ctx, id).await?;
    visible.enforce(app, ctx, Rule::AddMember)?;
    check(member)?;
    let (wanted, new, maximum) = (id.to_owned(), member.to_owned(), app.limits.image_member_quota);
    let added = app.db.write(move |conn| {
        db::members::lock(conn, &wanted)?;
        let count = db::members::list(conn, &wanted)?.len() + 1;
        within_limit("members", count, maximum)?;
        db::members::insert(conn, &wanted, &new, clock::now())
    });
    added.await.map_err(|error| match error {
        DbError::Duplicate => Error::Conflict(format!("Project {member} is a member of image {id} already.")),
        DbError::Missing => not_found(id),
        other => other.into(),
    })
}

/// The answer of a member to the offer. `status` is the word as the client wrote it: who may not answer learns that
/// first.
pub async fn update(
    app: &App,
    ctx: &Context,
    id: &str,
    member: &str,
    status: Option<MemberStatus>,
) -> Result<Member, Error> {
    let (visible, found) = find(app, ctx, id, member).await?;
    visible.enforce(app, ctx, Rule::ModifyMember)?;
    let Some(status) = status else {
        return Err(Error::BadRequest(
            "The status of a member must be one of pending, accepted, rejected.".to_owned(),
        ));
    };
    let (wanted, project) = (id.to_owned(), found.member);
    let updated =
        app.db.write(move |conn| db::members::update(conn, &wanted, &project, status.as_str(), clock::now()));
    updated.await.map_err(|error| missing(error, id, member))
}

/// Takes the offer back. A member cannot: it rejects.
pub async fn delete(app: &App, ctx: &Context, id: &str, member: &str) -> Result<(), Error> {
    let (visible, found) = find(app, ctx, id, member).await?;
    visible.enforce(app, ctx, Rule::DeleteMember)?;
    let (wanted, project) = (id.to_owned(), found.member);
    let deleted = app.db.write(move |conn| db::members::delete(conn, &wanted, &project, clock::now()));
    deleted.await.map_err(|error| missing(error, id, member))
}

/// The image, if it is one that can have members. Members of an image that was shared once are kept and asleep.
async fn load_shared(app: &App, ctx: &Context, id: &str) -> Result<Visible, Error> {
    let visible = load(app, ctx, id).await?;
    if visible.image().visibility != Visibility::Shared {
        return Err(Error::Forbidden("Only shared images have members.".to_owned()));
    }
    Ok(visible)
}

async fn find(app: &App, ctx: &Context, id: &str, member: &str) -> Result<(Visible, Member), Error> {
    let visible = load_shared(app, ctx, id).await?;
    visible.enforce(app, ctx, Rule::GetMember)?;
    if !may_see(&visible, ctx, member) {
        return Err(not_a_member(id, member));
    }
    let (wanted, asked) = (id.to_owned(), member.to_owned());
    let found = app.db.read_briefly(move |conn| db::members::get(conn, &wanted, &asked)).await?;
    Ok((visible, found.ok_or_else(|| not_a_member(id, member))?))
}

fn may_see(visible: &Visible, ctx: &Context, member: &str) -> bool {
    ctx.is_admin
        || visible.image().owner == ctx.project_id
        || ctx.project_id.as_deref().is_some_and(|project| project == member)
}

fn missing(error: DbError, id: &str, member: &str) -> Error {
    match error {
        DbError::Missing => not_a_member(id, member),
        other => other.into(),
    }
}

fn not_a_member(id: &str, member: &str) -> Error {
    Error::NotFound(format!("{member} not found in the member list of the image {id}."))
}

fn check(member: &str) -> Result<(), Error> {
    let length = member.chars().count();
    if length > MEMBER_MAX_CHARS {
        return Err(Error::BadRequest(format!(
            "The member has {length} characters, {MEMBER_MAX_CHARS} are allowed."
        )));
    }
    if member.chars().any(|character| character.len_utf8() > 3 || character == '\0') {
        return Err(Error::BadRequest("The member contains a character that cannot be stored.".to_owned()));
    }
    Ok(())
}
