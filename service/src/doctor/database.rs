//! The database: does it answer, does it let us in, does it have the tables.

use super::{Finding, Neighbour, Patience, place};
use crate::config::{DatabaseConfig, DatabaseUrl, Loaded, Sources, running_user};
use crate::db::schema::{self, SchemaState};
use crate::db::{Db, DbError};

fn wrong(code: &'static str, sentence: String, mend: String) -> Finding {
    Finding::error(Neighbour::Database, code, sentence, mend)
}

/// Connects and looks at the schema.
pub async fn check(loaded: &Loaded, patience: Patience) -> Vec<Finding> {
    let config = loaded.config.database.clone();
    let sources = &loaded.sources;
    if let DatabaseUrl::Sqlite { path } = &config.url
        && !path.exists()
    {
        // Opening it would make an empty file, owned by whoever runs this.
        let sentence = format!("{}: there is no SQLite file {}", connection(sources), path.display());
        return vec![wrong("DB_SCHEMA_MISSING", sentence, format!("type `{}`", sync_command(sources)))];
    }
    let opened = match open(config.clone(), patience).await {
        Ok(db) => db,
        Err(error) => return vec![open_failure(sources, &config, &error)],
    };
    match opened.read(|conn| schema::state(conn)).await {
        Ok(state) => schema_finding(sources, &opened.description(), &state).into_iter().collect(),
        Err(error) => vec![open_failure(sources, &config, &error)],
    }
}

/// Connects off the async threads; each attempt that fails is logged.
pub async fn open(mut config: DatabaseConfig, patience: Patience) -> Result<Db, DbError> {
    if patience == Patience::Once {
        config.max_retries = Some(0);
    }
    let pause = config.retry_interval.as_secs();
    let opening = tokio::task::spawn_blocking(move || {
        Db::open_patiently(&config, &mut |error| tracing::warn!("{error}; trying again in {pause} s"))
    });
    opening.await.unwrap_or_else(|error| Err(DbError::other(error)))
}

fn connection(sources: &Sources) -> String {
    place(sources, "database", "connection")
}

/// What to type so that the tables come.
fn sync_command(sources: &Sources) -> String {
    let mut command = "glasshouse-service db sync".to_owned();
    for file in sources.files().filter(|file| !file.starts_with("/etc/glance")) {
        command.push_str(" --config-file ");
        command.push_str(&file.display().to_string());
    }
    command
}

/// Why the database cannot be used, and what to do.
pub fn open_failure(sources: &Sources, config: &DatabaseConfig, error: &DbError) -> Finding {
    let place = connection(sources);
    let (user, database) = match &config.url {
        DatabaseUrl::Mariadb { user, database, .. } => (user.as_str(), database.as_str()),
        DatabaseUrl::Sqlite { .. } => ("", ""),
    };
    match error {
        DbError::Unreachable { host, port, reason } => wrong(
            "DB_UNREACHABLE",
            format!("{place}: cannot reach the database server at {host}:{port}: {reason}"),
            format!(
                "see that the server runs and that its bind-address lets this machine reach {host}:{port}, or correct the host"
            ),
        ),
        DbError::AccessDenied { account, database: None, .. } => wrong(
            "DB_ACCESS_DENIED",
            format!("{place}: the database server does not let {account} in"),
            format!(
                "correct the password, or type on the server `CREATE USER IF NOT EXISTS {account} IDENTIFIED BY 'PASSWORD'; \
                 GRANT ALL PRIVILEGES ON {database}.* TO {account};`"
            ),
        ),
        DbError::AccessDenied { account, database: Some(name), .. } => wrong(
            "DB_ACCESS_DENIED",
            format!("{place}: the account {account} has no right to the database {name}"),
            format!("type on the server `GRANT ALL PRIVILEGES ON {name}.* TO {account};`"),
        ),
        DbError::UnknownDatabase { name } => wrong(
            "DB_UNKNOWN_DATABASE",
            format!("{place}: the database server has no database named {name}"),
            format!(
                "type on the server `CREATE DATABASE {name} CHARACTER SET utf8; GRANT ALL PRIVILEGES ON {name}.* TO \
                 '{user}'@'%';`, then `{}`",
                sync_command(sources)
            ),
        ),
        DbError::Unopenable { path, source } => wrong(
            "DB_UNOPENABLE",
            format!("{place}: cannot open the SQLite file {}: {source}", path.display()),
            format!("see that {} may read and write it and its directory", running_user()),
        ),
        other => wrong("DB_ERROR", format!("{place}: {other}"), String::new()),
    }
}

/// What the tables say; `None` when all is well.
pub fn schema_finding(sources: &Sources, description: &str, state: &SchemaState) -> Option<Finding> {
    let sentence = format!("{}: {description}: {state}", connection(sources));
    let sync = format!("type `{}`", sync_command(sources));
    let (code, mend) = match state {
        SchemaState::Current { .. } => return None,
        SchemaState::Empty => ("DB_SCHEMA_MISSING", sync),
        SchemaState::Partial { .. } => ("DB_SCHEMA_PARTIAL", sync),
        SchemaState::HalfUpgraded { .. } => (
            "DB_SCHEMA_HALF_UPGRADED",
            "finish the upgrade with Glance's `glance-manage db_migrate` and `glance-manage db_contract`"
                .to_owned(),
        ),
        SchemaState::Older { .. } => (
            "DB_SCHEMA_OLDER",
            "type `glance-manage db_sync` of a Glance from 2024.1 on, then start this service".to_owned(),
        ),
        SchemaState::Newer { .. } => {
            ("DB_SCHEMA_NEWER", "use a newer release of glasshouse-service, or the right database".to_owned())
        }
        SchemaState::Foreign => {
            ("DB_SCHEMA_FOREIGN", "name a database of its own for the Image service".to_owned())
        }
    };
    Some(wrong(code, sentence, mend))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Environment, read};

    fn sources(dir: &std::path::Path) -> Sources {
        let file = dir.join("glance-api.conf");
        std::fs::write(&file, "[database]\nconnection = mysql://glance:secret@controller01/glance\n")
            .unwrap();
        read(&[file], &[], &Environment::default())
    }

    fn finding(error: &DbError) -> (Finding, String) {
        let dir = tempfile::tempdir().unwrap();
        let sources = sources(dir.path());
        let (config, _) = crate::config::interpret_database(&sources);
        let file = dir.path().join("glance-api.conf").display().to_string();
        (open_failure(&sources, &config.unwrap(), error), file)
    }

    #[test]
    fn an_account_that_is_refused_gets_its_grant() {
        let account = "'glance'@'10.0.0.5'".to_owned();
        let (found, file) =
            finding(&DbError::AccessDenied { account, database: None, reason: String::new() });
        assert_eq!(
            found.sentence,
            format!(
                "{file}:2: [database] connection: the database server does not let 'glance'@'10.0.0.5' in"
            )
        );
        assert!(
            found.mend.contains("GRANT ALL PRIVILEGES ON glance.* TO 'glance'@'10.0.0.5';"),
            "{}",
            found.mend
        );
        assert!(!found.to_string().contains("secret"));
    }

    #[test]
    fn an_unknown_database_gets_the_line_that_makes_it() {
        let (found, file) = finding(&DbError::UnknownDatabase { name: "glance".into() });
        assert_eq!(found.code, "DB_UNKNOWN_DATABASE");
        assert!(found.mend.starts_with("type on the server `CREATE DATABASE glance CHARACTER SET utf8;"));
        assert!(found.mend.ends_with(&format!("then `glasshouse-service db sync --config-file {file}`")));
    }

    #[test]
    fn each_state_of_the_schema_but_one_forbids_the_start() {
        let dir = tempfile::tempdir().unwrap();
        let sources = sources(dir.path());
        let code = |state: SchemaState| schema_finding(&sources, "x", &state).map(|found| found.code);
        assert_eq!(code(SchemaState::Current { tables: 15 }), None);
        assert_eq!(code(SchemaState::Empty), Some("DB_SCHEMA_MISSING"));
        assert_eq!(code(SchemaState::Partial { found: 3, expected: 15 }), Some("DB_SCHEMA_PARTIAL"));
        assert_eq!(code(SchemaState::Newer { revision: "2030".into() }), Some("DB_SCHEMA_NEWER"));
        assert_eq!(code(SchemaState::Older { revision: "train".into() }), Some("DB_SCHEMA_OLDER"));
        assert_eq!(code(SchemaState::Foreign), Some("DB_SCHEMA_FOREIGN"));
    }
}
