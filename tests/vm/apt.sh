# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# Packages of this Debian release, of any architecture, without installing them: an apt of our own, with nothing
# installed, that knows nothing but the host's mirrors and how the host reaches them. The host's apt stays as it is.
# Sourced; the caller has die().

keyring=/usr/share/keyrings/debian-archive-keyring.gpg
default_mirror=http://deb.debian.org/debian

# The release that runs here: its cross compiler and its libraries belong together.
apt_release()
{
    # shellcheck disable=SC1091
    (. /etc/os-release && [ "$ID" = debian ] && echo "$VERSION_CODENAME") || die "this is no Debian machine"
}

# The host's mirrors of that release, as lines of a sources.list.
apt_sources()
{
    local release=$1 site suite component found=no
    # shellcheck disable=SC2016 # apt replaces these
    while read -r site suite component; do
        case $suite in "$release" | "$release-updates" | "$release-security") ;; *) continue ;; esac
        [ "$component" = main ] || continue
        echo "deb [signed-by=$keyring] $site $suite main"
        [ "$suite" != "$release" ] || found=yes
    done < <(apt-get indextargets --format '$(SITE) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' 2>/dev/null | sort -u)
    [ $found = yes ] && return
    echo "deb [signed-by=$keyring] $default_mirror $release main"
    echo "deb [signed-by=$keyring] $default_mirror-security $release-security main"
}

# apt_setup FOLDER ARCHITECTURE: makes it there, with fresh lists
apt_setup()
{
    local folder=$1 release
    release=$(apt_release) || exit 1
    mkdir -p "$folder"/{etc/apt/{apt.conf.d,preferences.d},var/lib/{apt/lists/partial,dpkg},var/cache/apt/archives/partial}
    : >"$folder/var/lib/dpkg/status"
    apt_sources "$release" >"$folder/etc/apt/sources.list"
    {
        apt-config dump | grep '^Acquire::' | grep -v '^Acquire::IndexTargets'
        cat <<END
Dir "$folder";
APT::Architecture "$2";
APT::Architectures { "$2"; };
APT::Install-Recommends "false";
APT::Sandbox::User "root";
Acquire::Languages "none";
Acquire::Retries "3";
END
    } >"$folder/apt.conf"
    export APT_CONFIG=$folder/apt.conf
    apt_run "$folder" update || die "cannot fetch the package lists: $(apt_complaint "$folder")"
}

# apt_run FOLDER ARGUMENT...: apt-get, for which a list that could not be fetched is an error
apt_run()
{
    local folder=$1
    shift
    LC_ALL=C apt-get -q -y -o APT::Update::Error-Mode=any "$@" >>"$folder/log" 2>&1 </dev/null
}

apt_complaint()
{
    local complaint
    complaint=$(grep -m1 -E '^[EW]: Failed to fetch' "$1/log")
    echo "${complaint:-$(grep '^E:' "$1/log" | tail -n 1)}"
}

# apt_fetch FOLDER PACKAGE...: these and all they need, into var/cache/apt/archives
apt_fetch()
{
    local folder=$1
    shift
    apt_run "$folder" install --download-only "$@" || die "cannot fetch packages: $(apt_complaint "$folder")"
}

# deb_unpack FILE FOLDER TAR-OPTION...: its files, through the links that /bin, /lib and /sbin are
deb_unpack()
{
    local file=$1 folder=$2
    shift 2
    (set -o pipefail && dpkg-deb --fsys-tarfile "$file" | tar -C "$folder" --keep-directory-symlink "$@" -x) ||
        die "cannot unpack ${file##*/}"
}
