"""The login of the user service in FastAPI, as its documentation would have it written."""

from fastapi import FastAPI
from pydantic import BaseModel, Field


class LoginRequest(BaseModel):
    mobile: str
    password: str


class LoginResponse(BaseModel):
    access_token: str = Field(serialization_alias="accessToken")
    access_expire: int = Field(serialization_alias="accessExpire")


app = FastAPI()


@app.post("/api/user/login")
async def login(request: LoginRequest) -> LoginResponse:
    return LoginResponse(access_token=f"token of {request.mobile}", access_expire=1700000000)
