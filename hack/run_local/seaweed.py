"""SeaweedFS as the S3 server: it checks signatures, so a mount that works here has signed rightly."""

import json
from pathlib import Path

import boto3
from botocore.config import Config

from hack.run_local.processes import Child, StartError, accepts, free_port

ROOT = Path(__file__).parents[2]
REGION = "us-east-1"
ACCESS_KEY = "run-local"
SECRET_KEY = "not-a-secret-only-loopback"


class SeaweedServer:
    """One `weed server` on loopback with one identity; its data lives below `folder`."""

    def __init__(self, folder: Path) -> None:
        binary = ROOT / ".tools" / "servers" / "bin" / "weed"
        if not binary.exists():
            raise StartError(f"{binary.relative_to(ROOT)} is missing: run hack/setup-dev.sh")
        data = folder / "seaweed"
        data.mkdir()
        identity = {
            "name": ACCESS_KEY,
            "credentials": [{"accessKey": ACCESS_KEY, "secretKey": SECRET_KEY}],
            "actions": ["Admin", "Read", "Write", "List", "Tagging"],
        }
        identities = folder / "seaweed-s3.json"
        identities.write_text(json.dumps({"identities": [identity]}))
        self._ports = [free_port(grpc=True) for _ in range(4)]
        master, volume, filer, self.port = self._ports
        self.endpoint = f"http://127.0.0.1:{self.port}"
        command = [
            str(binary),
            "server",
            f"-dir={data}",
            "-ip=127.0.0.1",
            "-ip.bind=127.0.0.1",
            f"-master.port={master}",
            f"-volume.port={volume}",
            "-filer",
            f"-filer.port={filer}",
            "-s3",
            f"-s3.port={self.port}",
            f"-s3.config={identities}",
            # Else every server on the machine wants the same ports for these.
            "-s3.port.iceberg=0",
            "-s3.port.lance=0",
            f"-s3.localSocket={folder / 's3.sock'}",
            f"-filer.localSocket={folder / 'filer.sock'}",
            "-master.volumeSizeLimitMB=1024",
            "-volume.max=50",
        ]
        # It writes its own logs into the temporary folder: ours, which is removed.
        self.child = Child("SeaweedFS", command, folder / "seaweed.log", {"TMPDIR": str(folder)})

    def stop(self) -> None:
        """End the server and remove the sockets that it leaves in the system's temporary folder.

        Without asking: its data is thrown away, and asked politely it takes more than 20 s.
        """
        self.child.kill()
        for port in self._ports:
            for socket in Path("/tmp").glob(f"seaweedfs-*-{port + 10_000}.sock"):
                socket.unlink()

    def wait(self) -> None:
        """Wait until it answers signed requests. Raises StartError."""
        self.child.wait_until(lambda: accepts(self.port), 60)
        self.child.wait_until(self._answers, 60)

    def _answers(self) -> bool:
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 # beside its only use

        try:
            self.client().list_buckets()
        except (BotoCoreError, ClientError):
            return False
        return True

    def client(self) -> "boto3.client":
        """Return an S3 client for filling buckets."""
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key=SECRET_KEY,
            config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}),
        )

    def upload(self, bucket: str, folder: Path) -> None:
        """Create the bucket and put every file below `folder` into it, once it takes writes."""
        from botocore.exceptions import ClientError  # noqa: PLC0415 # beside its only use

        client = self.client()

        def created() -> bool:
            try:
                client.create_bucket(Bucket=bucket)
                client.put_object(Bucket=bucket, Key=".probe", Body=b"probe")  # volumes grow with the first write
                client.delete_object(Bucket=bucket, Key=".probe")
            except ClientError as error:
                return bool(error.response["Error"]["Code"] == "BucketAlreadyOwnedByYou")
            return True

        self.child.wait_until(created, 60)
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                client.upload_file(str(path), bucket, str(path.relative_to(folder)))
