use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use glasshouse_shared::image::Status;

use super::fixture::{NOW, account, config, mariadb, on_each_config, on_each_db, record, session, time};
use super::images::{self, StatusChange};
use super::*;
use crate::config::Secret;

#[test]
fn what_was_written_is_read() {
    on_each_db(async |db: Db| {
        db.write(|conn| images::insert(conn, &record(1))).await.unwrap();
        let id = record(1).image.id;
        let found = db.read(move |conn| images::get(conn, &id)).await.unwrap().unwrap();
        assert_eq!(found, record(1));
    });
}

#[test]
fn a_closure_that_fails_leaves_nothing() {
    on_each_db(async |db: Db| {
        let result: Result<(), DbError> = db
            .write(|conn| {
                images::insert(conn, &record(1))?;
                Err(DbError::Stale)
            })
            .await;
        assert!(matches!(result, Err(DbError::Stale)));
        let id = record(1).image.id;
        assert_eq!(db.read(move |conn| images::get(conn, &id)).await.unwrap(), None);
    });
}

#[test]
fn a_closure_that_panics_is_rolled_back_and_the_door_stays_open() {
    on_each_db(async |db: Db| {
        for _ in 0..8 {
            let result: Result<(), DbError> = db
                .write(|conn| {
                    images::insert(conn, &record(1))?;
                    panic!("on purpose")
                })
                .await;
            assert!(matches!(result, Err(DbError::Panicked(text)) if text == "on purpose"));
        }
        let result: Result<(), DbError> = db.read(|_| panic!("on purpose")).await;
        assert!(matches!(result, Err(DbError::Panicked(_))));
        db.write(|conn| images::insert(conn, &record(1))).await.unwrap();
    });
}

#[test]
fn busy_is_tried_again_and_has_an_end() {
    on_each_db(async |db: Db| {
        let attempts = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&attempts);
        let result = db
            .write(move |_| match counted.fetch_add(1, Ordering::Relaxed) {
                0..2 => Err(DbError::Busy),
                attempt => Ok(attempt),
            })
            .await;
        assert_eq!(result.unwrap(), 2);
        let result: Result<(), DbError> = db.write(|_| Err(DbError::Busy)).await;
        assert!(matches!(result, Err(DbError::Busy)));
    });
}

#[test]
fn a_lost_connection_is_replaced() {
    on_each_db(async |db: Db| {
        let attempts = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&attempts);
        let result = db
            .write(move |_| match counted.fetch_add(1, Ordering::Relaxed) {
                0 => Err(DbError::Lost("on purpose".into())),
                attempt => Ok(attempt),
            })
            .await;
        assert_eq!(result.unwrap(), 1);
    });
}

#[test]
fn a_connection_that_the_server_ended_is_replaced() {
    if mariadb().is_none() {
        return;
    }
    on_each_db(async |db: Db| {
        let number = db.read(own_number).await.unwrap();
        if number == 0 {
            return;
        }
        let id = record(1).image.id;
        let killed = db
            .write(move |conn| {
                let number = own_number(conn)?;
                conn.execute(&format!("KILL CONNECTION {number}"), &[])
            })
            .await;
        assert!(killed.is_err());
        assert_eq!(db.read(move |conn| images::get(conn, &id)).await.unwrap(), None);
    });
}

/// The server's number of this connection; 0 on SQLite.
fn own_number(conn: &mut dyn Connection) -> Result<i64, DbError> {
    if conn.dialect() == Dialect::Sqlite {
        return Ok(0);
    }
    let found = connection::query_one(conn, "SELECT CONNECTION_ID()", &[], |row| row.integer(0))?;
    found.ok_or(DbError::Missing)
}

#[test]
fn of_many_writers_one_wins_a_status() {
    on_each_db(async |db: Db| {
        db.write(|conn| images::insert(conn, &record(1))).await.unwrap();
        let mut writers = Vec::new();
        for _ in 0..16 {
            let db = db.clone();
            writers.push(tokio::spawn(async move {
                let id = record(1).image.id;
                let to = StatusChange::to(Status::Saving);
                db.write(move |conn| images::set_status(conn, &id, &[Status::Queued], &to, time(NOW))).await
            }));
        }
        let mut won = 0;
        for writer in writers {
            match writer.await.unwrap() {
                Ok(()) => won += 1,
                Err(error) => assert!(matches!(error, DbError::Stale), "{error}"),
            }
        }
        assert_eq!(won, 1);
    });
}

#[test]
fn a_reader_cannot_write_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let db = Db::open(&config(DatabaseUrl::Sqlite { path: fixture::sqlite_path(&folder) })).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let result = runtime.block_on(db.read(|conn| conn.execute("CREATE TABLE t (a INTEGER)", &[])));
    assert!(result.unwrap_err().to_string().contains("readonly"));
}

#[test]
fn the_description_names_the_place_and_no_password() {
    on_each_config(|config| {
        let description = Db::open(config).unwrap().description();
        match &config.url {
            DatabaseUrl::Sqlite { path } => {
                assert_eq!(description, format!("SQLite file {}", path.display()));
            }
            DatabaseUrl::Mariadb { host, port, database, .. } => {
                assert!(
                    description.ends_with(&format!("at {host}:{port}, database {database}")),
                    "{description}"
                );
                assert!(description.starts_with("MariaDB 1") || description.starts_with("MySQL "));
            }
        }
    });
}

#[test]
fn a_file_in_a_folder_that_is_not_there_cannot_be_opened() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("missing/glance.sqlite");
    match Db::open(&config(DatabaseUrl::Sqlite { path: path.clone() })) {
        Err(DbError::Unopenable { path: named, .. }) => assert_eq!(named, path),
        other => panic!("{:?}", other.map(|db| db.description())),
    }
}

#[test]
fn a_file_that_is_no_database_cannot_be_opened() {
    let folder = tempfile::tempdir().unwrap();
    let path = fixture::sqlite_path(&folder);
    std::fs::write(&path, "not a database at all, and long enough to have a header of one ".repeat(20))
        .unwrap();
    let error = Db::open(&config(DatabaseUrl::Sqlite { path })).err().unwrap();
    assert!(matches!(error, DbError::Unopenable { .. }), "{error}");
}

#[test]
fn a_server_that_does_not_answer_is_unreachable() {
    // Bound and dropped: nobody else is given the port so soon.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = DatabaseUrl::Mariadb {
        host: "127.0.0.1".to_owned(),
        port,
        user: "glance".to_owned(),
        password: Secret::new("secret"),
        database: "glance".to_owned(),
        ssl_ca: None,
    };
    let mut failures = 0;
    let config = DatabaseConfig { max_retries: Some(2), ..config(url) };
    let error = Db::open_patiently(&config, &mut |_| failures += 1).err().unwrap();
    assert!(
        matches!(&error, DbError::Unreachable { host, port: named, .. } if host == "127.0.0.1" && *named == port)
    );
    assert_eq!(failures, 2);
    assert!(!error.to_string().contains("secret"));
}

#[test]
fn the_server_says_why_it_refuses() {
    let Some(server) = mariadb() else { return };
    let with = |change: &dyn Fn(&mut Account)| {
        let mut account = account(&config(server.clone()));
        change(&mut account);
        Mariadb::connect(&account).err().unwrap()
    };
    let error = with(&|account| account.database = "glasshouse_missing".to_owned());
    assert!(matches!(&error, DbError::UnknownDatabase { name } if name == "glasshouse_missing"), "{error}");
    let error = with(&|account| account.password = Secret::new("wrong"));
    match error {
        DbError::AccessDenied { account, database: None, .. } => {
            assert!(account.starts_with("'root'@'"), "{account}");
        }
        other => panic!("{other}"),
    }
    let mut admin = session(&config(server.clone()));
    let user = format!("user{}", &uuid::Uuid::new_v4().simple().to_string()[..12]);
    // For every name that the server may know this machine by: an anonymous account would take precedence.
    let accounts = ["%", "localhost", "127.0.0.1"].map(|host| format!("{user}@'{host}'"));
    for account in &accounts {
        admin.execute(&format!("CREATE USER {account} IDENTIFIED BY 'right'"), &[]).unwrap();
    }
    let error = with(&|account| {
        account.user.clone_from(&user);
        account.password = Secret::new("right");
    });
    admin.execute(&format!("DROP USER {}", accounts.join(", ")), &[]).unwrap();
    match error {
        DbError::AccessDenied { database: Some(database), account, .. } => {
            assert_eq!(database, "mysql");
            assert!(account.contains(&user));
        }
        other => panic!("{other}"),
    }
}

#[test]
fn two_creations_at_once_make_one_schema() {
    on_each_config(|config| {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
        let nodes: Vec<Db> = (0..3).map(|_| Db::open(config).unwrap()).collect();
        let created: usize = runtime.block_on(async {
            let tasks: Vec<_> = nodes
                .iter()
                .map(|db| {
                    let db = db.clone();
                    tokio::spawn(async move { db.write(|conn| schema::sync(conn)).await.unwrap().created })
                })
                .collect();
            let mut sum = 0;
            for task in tasks {
                sum += task.await.unwrap();
            }
            sum
        });
        assert_eq!(created, 15);
        let state = runtime.block_on(nodes[0].read(|conn| schema::state(conn))).unwrap();
        assert_eq!(state, schema::SchemaState::Current { tables: 15 });
    });
}

#[test]
fn a_deadlock_is_tried_again_until_both_are_done() {
    if mariadb().is_none() {
        return;
    }
    on_each_db(async |db: Db| {
        let on_mariadb = db.read(|conn| Ok(conn.dialect() == Dialect::Mariadb)).await.unwrap();
        if !on_mariadb {
            return;
        }
        for number in [1, 2] {
            db.write(move |conn| images::insert(conn, &record(number))).await.unwrap();
        }
        let attempts = Arc::new(AtomicU32::new(0));
        let meeting = Arc::new(std::sync::Barrier::new(2));
        let mut writers = Vec::new();
        for order in [[1, 2], [2, 1]] {
            let (db, attempts, meeting) = (db.clone(), Arc::clone(&attempts), Arc::clone(&meeting));
            writers.push(tokio::spawn(async move {
                db.write(move |conn| {
                    let attempt = attempts.fetch_add(1, Ordering::SeqCst);
                    images::touch(conn, &record(order[0]).image.id, time(NOW))?;
                    // Both hold their first row now; only the first attempts wait for each other.
                    if attempt < 2 {
                        meeting.wait();
                    }
                    images::touch(conn, &record(order[1]).image.id, time(NOW))
                })
                .await
            }));
        }
        for writer in writers {
            writer.await.unwrap().unwrap();
        }
        assert_eq!(attempts.load(Ordering::SeqCst), 3);
    });
}
