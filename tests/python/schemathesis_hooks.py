"""What Schemathesis must be told beside the description of the API.

The media type of a JSON patch, and ids of images that are there: made-up ones would only ever be answered 404.
GLASSHOUSE_IMAGE_IDS has them, separated by commas.
"""

import os

import schemathesis

schemathesis.serializer.alias("application/openstack-images-v2.1-json-patch", "application/json")
schemathesis.serializer.alias("application/partial-upload", "application/octet-stream")

IMAGE_IDS = os.environ["GLASSHOUSE_IMAGE_IDS"].split(",")


@schemathesis.hook
def map_path_parameters(context, path_parameters):
    """Every second call is about an image that is there."""
    if path_parameters and isinstance(path_parameters.get("image_id"), str):
        length = sum(map(ord, path_parameters["image_id"]))
        if length % 2 == 0:
            path_parameters["image_id"] = IMAGE_IDS[length // 2 % len(IMAGE_IDS)]
    return path_parameters
