use crate::failure::Failure;
use crate::files::{Owner, lock, make_dir};
use crate::surroundings::Surroundings;
use libqdevice::certs::{CertError, Custody, Database, Folder, Staging, random};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// A database that is to be made, with the files around it.
pub(crate) struct NewDatabase<'a> {
    /// Where.
    pub(crate) dir: &'a Path,
    /// What is said when there is one already.
    pub(crate) taken: String,
    /// Whom the files belong to; asked once the directories are there.
    pub(crate) owner: &'a dyn Fn() -> Owner,
    /// Mode of the directory, if it has to be made.
    pub(crate) dir_mode: u32,
    /// Mode of the files.
    pub(crate) mode: u32,
}

/// A prepared file that belongs to the database.
pub(crate) struct Prepared {
    pub(crate) name: &'static str,
    pub(crate) custody: Custody,
}

impl NewDatabase<'_> {
    /// Makes it. `fill` puts in what belongs there and names the files it has prepared beside it.
    ///
    /// Nothing shows before everything is ready; `cert9.db`, by which everybody tells that there is a
    /// database, comes last. A run that fails or is killed leaves no database.
    pub(crate) fn make(
        &self,
        surroundings: &mut Surroundings<'_>,
        fill: impl FnOnce(
            &mut Surroundings<'_>,
            &Database,
            &Staging<'_>,
            Owner,
        ) -> Result<Vec<Prepared>, Failure>,
    ) -> Result<(), Failure> {
        if Database::files(self.dir).is_some() {
            return self.refuse(&lock(self.dir)?);
        }
        let is_new = !self.dir.is_dir();
        if is_new {
            surroundings.say(format_args!("Creating {}", self.dir.display()));
            make_dir(self.dir, || (self.owner)().with_mode(self.dir_mode))?;
        }
        let outcome = lock(self.dir)
            .map_err(Failure::from)
            .and_then(|folder| self.make_in(&folder, surroundings, fill));
        if is_new && outcome.is_err() {
            // Refused if anything is in it, as it should be.
            let _ = fs::remove_dir(self.dir);
        }
        outcome
    }

    fn make_in(
        &self,
        folder: &Folder,
        surroundings: &mut Surroundings<'_>,
        fill: impl FnOnce(
            &mut Surroundings<'_>,
            &Database,
            &Staging<'_>,
            Owner,
        ) -> Result<Vec<Prepared>, Failure>,
    ) -> Result<(), Failure> {
        // Another run may have been faster.
        if Database::files(self.dir).is_some() {
            return self.refuse(folder);
        }
        let owner = (self.owner)();
        let custody = owner.with_mode(self.mode);
        surroundings.say("Creating new key and cert db");
        let staging = folder.stage()?;
        staging.write("pwdfile.txt", b"")?;
        let database = Database::create(staging.path())?;
        let noise = self.dir.join(NOISE);
        let has_noise = noise.exists();
        if has_noise {
            surroundings.say(format_args!(
                "Using existing noise file {}",
                noise.display()
            ));
        } else {
            surroundings.say(format_args!("Creating new noise file {}", noise.display()));
            staging.write(NOISE, &fresh_noise()?)?;
        }
        let prepared = fill(surroundings, &database, &staging, owner)?;
        drop(database);
        staging.write("pkcs11.txt", &Database::module_list(self.dir))?;
        staging.publish("pwdfile.txt", custody)?;
        if !has_noise {
            staging.publish(NOISE, custody)?;
        }
        staging.publish("pkcs11.txt", custody)?;
        staging.publish("key4.db", custody)?;
        for Prepared { name, custody } in prepared {
            staging.publish(name, custody)?;
        }
        Ok(staging.publish("cert9.db", custody)?)
    }

    /// A database that is there stays. But what another program began in it and did not live to finish
    /// is undone: it may be why somebody wants a new one.
    fn refuse(&self, folder: &Folder) -> Result<(), Failure> {
        folder.mend()?;
        Err(Failure::state(self.taken.clone()))
    }
}

const NOISE: &str = "noise.txt";

/// What the scripts give NSS's tools as a seed. Ours need none; the file is there for theirs.
fn fresh_noise() -> Result<Vec<u8>, CertError> {
    let mut text = String::with_capacity(41);
    for byte in random::<20>()? {
        let _ = write!(text, "{byte:02x}");
    }
    text.push('\n');
    Ok(text.into_bytes())
}
